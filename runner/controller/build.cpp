#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <thread>

#include "runner/agent/program.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/aws_share.hpp"
#include "runner/controller/build_explain.hpp"
#include "runner/controller/build_image.hpp"
#include "runner/controller/build_jobs.hpp"
#include "runner/controller/build_words.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/recipe_check.hpp"
#include "runner/controller/rootless.hpp"
#include "runner/controller/sandbox_base.hpp"
#include "runner/controller/state_copy.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

struct TypedBuild {
  std::vector<std::string> recipes;
  std::vector<std::string> settings;
  std::vector<std::string> outputs;
  BuildOptions build;
  bool no_cache = false;
  bool offline = false;
  bool no_tests = false;
  bool explain = false;
  int jobs = 1;
  // Given by a toehold that runs several builds to one of them.
  int only = -1;  // number of the recipe's build
  bool progress = false;
};

/// One build of a recipe file.
struct PlannedBuild {
  std::string path;
  int number = 0;  // among those of the file
  Recipe recipe;
};

/// `--offline` is an option of some targets only.
void check_offline(const Recipe& recipe) {
  std::vector<std::string> fitting;
  bool is_known = false;  // else that is told
  for (const TargetType& type : target_types()) {
    is_known = is_known || type.name == recipe.target.type;
    const std::vector<std::string> names = field_names(type.fields);
    if (std::find(names.begin(), names.end(), "offline") == names.end()) continue;
    if (type.name == recipe.target.type) return;
    fitting.push_back(type.name);
  }
  if (!is_known) return;
  throw Error(Error::Kind::usage, "--offline goes with the targets " + join(fitting, " and ") +
                                      ", not with '" + recipe.target.type + "'");
}

/// False after errors; all files are looked at.
bool read_recipes(const TypedBuild& typed, std::vector<PlannedBuild>& builds,
                  const CommandContext& context) {
  bool valid = true;
  std::vector<std::string> targets;
  std::vector<std::pair<std::string, LoadedRecipes>> files;
  for (const std::string& path : typed.recipes) {
    LoadedRecipes loaded = load_recipe(path, parse_settings(typed.settings));
    for (Recipe& recipe : loaded.builds) {
      for (const std::string& output : typed.outputs) {
        recipe.outputs.push_back(parse_output(output));
      }
      targets.push_back(recipe.target.type);
      if (typed.offline) check_offline(recipe);
    }
    check_recipes(loaded);
    valid = valid && !loaded.diagnostics.has_errors();
    files.emplace_back(path, std::move(loaded));
  }
  if (valid) become_root_for(targets, context);
  for (auto& [path, loaded] : files) {
    for (const Diagnostic& finding : loaded.diagnostics.items()) {
      std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
    }
    int number = -1;
    for (Recipe& recipe : loaded.builds) {
      ++number;
      if (typed.only >= 0 && number != typed.only) continue;
      builds.push_back({path, number, std::move(recipe)});
    }
  }
  return valid;
}

std::string label_of(const Recipe& recipe) {
  const std::string matrix = matrix_label(recipe);
  return recipe.name + " " + recipe.version + (matrix.empty() ? "" : " " + matrix);
}

BuildFolder new_folder(const PlannedBuild& planned, const TypedBuild& typed, Clock& clock) {
  BuildFolder folder = BuildFolder::create(planned.recipe.name, clock.unix_millis());
  BuildRecord& record = folder.record();
  record.recipe = fs::absolute(planned.path).lexically_normal().string();
  record.settings = typed.settings;
  for (const auto& [key, value] : planned.recipe.matrix)
    record.settings.push_back(key + "=" + value);
  for (const std::string& output : typed.outputs) {
    record.outputs.push_back(output_words(parse_output(output)));
  }
  record.without_tests = !typed.build.tests;
  record.target = planned.recipe.target.type;
  folder.save();
  return folder;
}

/// The folder of what is no build, gone whatever is thrown.
struct ScratchEnd {
  const BuildFolder& folder;
  ~ScratchEnd() {
    std::error_code error;
    fs::remove_all(folder.path(), error);
  }
};

ExitCode explain_one(const PlannedBuild& planned, const TypedBuild& typed,
                     const CommandContext& context) {
  SystemClock clock;
  std::printf("%s on %s\n", label_of(planned.recipe).c_str(), planned.recipe.target.type.c_str());
  BuildFolder folder = new_folder(planned, typed, clock);
  const ScratchEnd at_end{folder};
  return explain_build(planned.recipe, typed.build, folder, context);
}

/// What a build that is one of several is given by the others.
struct Company {
  BuildProgress::Tell tell;  // empty: there are no others
  CopyCompany shared;
};

ExitCode build_one(const PlannedBuild& planned, const TypedBuild& typed, const Company& company,
                   const CommandContext& context) {
  SystemClock clock;
  const auto begun = clock.monotonic();
  BuildFolder folder = new_folder(planned, typed, clock);
  context.tell(label_of(planned.recipe) + " on " + planned.recipe.target.type + "  (build " +
               folder.record().id + ")\n");
  BuildOptions options = typed.build;
  options.company = company.shared;
  std::optional<BuildProgress> progress;
  if (company.tell) {
    options.progress = &progress.emplace(company.tell);
    ProgressLine line;
    line.build = folder.record().id;
    progress->tell(line);
  }
  const FolderEnd at_end{folder, context};
  const BuildEnd end = build_image(planned.recipe, options, folder, context);
  if (folder.copy() && folder.copy()->is_lost()) return ExitCode::busy;
  const ExitCode code = finish_build(
      folder, end, std::chrono::duration<double>(clock.monotonic() - begun).count(), context);
  if (progress) {
    ProgressLine line;
    line.ended = folder.record().state;
    line.message = end.message;
    line.image = end.image;
    progress->tell(line);
  }
  return code;
}

/// In a thread. When another machine takes it over, only this one ends.
ExitCode build_here(const PlannedBuild& planned, TypedBuild typed, AwsShare& aws,
                    const JobOutput& output, const CommandContext& context) {
  typed.build.view = "plain";
  if (typed.build.on_failure == "auto") typed.build.on_failure = "cleanup";
  std::stop_source stop;
  const std::stop_callback chain(context.stop, [&] { stop.request_stop(); });
  std::string lost;  // written before the build has ended, read after it
  const auto let_go = [&](const std::string& message) {
    lost = message;
    stop.request_stop();
  };
  CommandContext command = context;
  command.print = output.print;
  command.stop = stop.get_token();
  ExitCode code = ExitCode::failure;
  try {
    code = build_one(planned, typed, {output.progress, {&aws, let_go}}, command);
  } catch (const Error&) {
    if (lost.empty()) throw;
  }
  if (!lost.empty()) throw Error(Error::Kind::busy, lost);
  return code;
}

/// One of several builds. On EC2 it mostly waits, so it takes a thread and not a process.
BuildJob job_for(const PlannedBuild& planned, const TypedBuild& typed, AwsShare& aws,
                 const CommandContext& context) {
  BuildJob job{label_of(planned.recipe), {"build", planned.path}};
  const auto add = [&](std::initializer_list<std::string> words) {
    job.arguments.insert(job.arguments.end(), words);
  };
  for (const std::string& setting : typed.settings) add({"--set", setting});
  for (const std::string& output : typed.outputs) add({"--output", output});
  for (const std::string& step : typed.build.refresh) add({"--refresh", step});
  if (typed.no_cache) add({"--no-cache"});
  if (typed.no_tests) add({"--no-test"});
  if (typed.build.timing) add({"--timing"});
  add({"--on-failure", typed.build.on_failure == "auto" ? "cleanup" : typed.build.on_failure});
  add({"--view", "plain", "--only-build", std::to_string(planned.number), "--progress"});
  if (planned.recipe.target.type == ec2_target) {
    job.here = [&planned, &typed, &aws, &context](const JobOutput& output) {
      return build_here(planned, typed, aws, output, context);
    };
  }
  return job;
}

/// Looked at once, so that a mistake is told once and not by every build.
std::optional<std::vector<DocumentRun>> load_all_components(const std::vector<PlannedBuild>& builds,
                                                            const CommandContext& context) {
  Recipe all;
  std::set<std::string> seen;
  for (const PlannedBuild& planned : builds) {
    for (const RecipeComponent& component : planned.recipe.components) {
      if (seen.insert(component.document).second) all.components.push_back(component);
    }
  }
  return load_components(all, context);
}

void check_refresh_of(const std::vector<PlannedBuild>& builds,
                      const std::vector<std::string>& wanted, const CommandContext& context) {
  if (wanted.empty()) return;
  if (const auto documents = load_all_components(builds, silenced(context))) {
    check_refresh(wanted, *documents);
  }
}

ExitCode build_at_once(const std::vector<PlannedBuild>& builds, const TypedBuild& typed,
                       const CommandContext& context) {
  if (typed.build.on_failure == "ask" || typed.build.on_failure == "shell") {
    throw Error(
        Error::Kind::usage,
        "--on-failure=" + typed.build.on_failure + " does not go with several builds at once",
        "take --on-failure=keep and then toehold shell, or --jobs 1");
  }
  if (!load_all_components(builds, context)) return ExitCode::failure;
  AwsShare aws;
  std::vector<BuildJob> jobs;
  for (const PlannedBuild& planned : builds) {
    jobs.push_back(job_for(planned, typed, aws, context));
  }
  const std::size_t processors = std::max(1u, std::thread::hardware_concurrency());
  JobOptions options;
  options.at_once = typed.jobs == 0 ? processors : static_cast<std::size_t>(typed.jobs);
  options.live = typed.build.view == "live";
  options.quiet = typed.build.view == "none";
  return run_jobs(jobs, options, context);
}

ExitCode build(TypedBuild typed, const CommandContext& context) {
  typed.build.use_cache = !typed.no_cache;
  if (typed.offline) typed.settings.emplace_back("target.offline=true");
  typed.build.tests = !typed.no_tests;
  if (typed.build.view == "auto") {
    typed.build.view = ::isatty(STDERR_FILENO) == 1 ? "live" : "plain";
  }
  std::vector<PlannedBuild> builds;
  if (!read_recipes(typed, builds, context) || builds.empty()) return ExitCode::failure;
  if (typed.only < 0) check_refresh_of(builds, typed.build.refresh, context);
  if (typed.jobs != 1 && builds.size() > 1 && !typed.explain) {
    return build_at_once(builds, typed, context);
  }
  Company company;
  if (typed.progress) {
    company.tell = [](const ProgressLine& line) { write_progress(STDOUT_FILENO, line); };
  }
  ExitCode code = ExitCode::success;
  for (const PlannedBuild& planned : builds) {
    const ExitCode one = typed.explain ? explain_one(planned, typed, context)
                                       : build_one(planned, typed, company, context);
    if (one == ExitCode::interrupted) return one;
    if (one != ExitCode::success) code = one;
  }
  return code;
}

}  // namespace

void add_build_options(CLI::App& command, BuildOptions& options) {
  command
      .add_option("--on-failure", options.on_failure,
                  "What becomes of the instance when a step fails; auto: ask on a terminal, else "
                  "cleanup")
      ->check(CLI::IsMember({"auto", "cleanup", "keep", "shell", "ask"}))
      ->capture_default_str();
  command
      .add_option("--refresh", options.refresh,
                  "Run this step (PHASE.STEP) although an earlier build has done the same")
      ->allow_extra_args(false);
  command
      .add_option("--view", options.view,
                  "What stderr shows: live, plain or none; auto: by terminal")
      ->check(CLI::IsMember({"auto", "live", "plain", "none"}))
      ->capture_default_str();
  command.add_flag("--timing", options.timing, "Say in the end where the time went");
}

void add_build(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedBuild>();
  CLI::App* command = app.add_subcommand("build", "Build images from recipes or components");
  command->add_option("recipes", typed->recipes, "Recipes, or components to build by themselves")
      ->required();
  command
      ->add_option(
          "--set", typed->settings,
          "KEY=VALUE: a key of the recipe (target.base=host) or of its matrix; commas part "
          "the items of a list")
      ->allow_extra_args(false);
  command
      ->add_option("-o,--output", typed->outputs,
                   "Kind of output, or KIND=FILE: changes, oci-archive, qcow2, raw, rootfs")
      ->allow_extra_args(false);
  context.words["build output"] = output_kinds;
  command->add_flag("--no-cache", typed->no_cache, "Run every step");
  command->add_flag("--offline", typed->offline,
                    "Steps have no network but loopback; for the targets sandbox and qemu");
  command->add_flag("--no-test", typed->no_tests, "Leave out the test phase");
  command->add_flag("--explain", typed->explain,
                    "Run nothing; say which steps are cached, which would run, and why");
  command
      ->add_option("-j,--jobs", typed->jobs,
                   "Builds at once, of several recipes or a matrix; 0: one a processor")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  command->add_option("--only-build", typed->only)->group("");
  command->add_flag("--progress", typed->progress)->group("");
  add_build_options(*command, typed->build);
  command->callback([typed, &context] { context.exit_code = build(*typed, context); });
}

}  // namespace toehold
