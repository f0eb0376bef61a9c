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
#include "runner/controller/build_explain.hpp"
#include "runner/controller/build_image.hpp"
#include "runner/controller/build_jobs.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/recipe_tables.hpp"
#include "runner/controller/rootless.hpp"
#include "runner/controller/sandbox_base.hpp"

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

RecipeSettings parse_settings(const std::vector<std::string>& typed) {
  RecipeSettings settings;
  for (const std::string& text : typed) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(Error::Kind::usage, "--set: '" + text + "' is not KEY=VALUE");
    }
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

std::vector<std::string> output_kinds() {
  std::vector<std::string> kinds = output_fields().front().choices;
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

/// `rootfs`, or `rootfs=FILE`.
OutputSpec parse_output(const std::string& text) {
  const std::size_t equals = text.find('=');
  OutputSpec output;
  output.type = text.substr(0, equals);
  const std::vector<std::string> known = output_kinds();
  if (std::find(known.begin(), known.end(), output.type) == known.end()) {
    const std::string hint = did_you_mean(output.type, known);
    throw Error(Error::Kind::usage, "--output: there is no kind '" + output.type + "'",
                hint.empty() ? "kinds: " + join(known, ", ") : hint);
  }
  if (equals != std::string::npos) output.path = fs::absolute(text.substr(equals + 1)).string();
  return output;
}

/// False after errors; all files are looked at.
bool read_recipes(const TypedBuild& typed, std::vector<PlannedBuild>& builds,
                  const CommandContext& context) {
  bool valid = true;
  std::vector<std::string> targets;
  std::vector<std::pair<std::string, LoadedRecipes>> files;
  for (const std::string& path : typed.recipes) {
    files.emplace_back(path, load_recipe(path, parse_settings(typed.settings)));
    valid = valid && !files.back().second.diagnostics.has_errors();
    for (const Recipe& recipe : files.back().second.builds) targets.push_back(recipe.target.type);
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
      for (const std::string& output : typed.outputs) {
        recipe.outputs.push_back(parse_output(output));
      }
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
  record.target = planned.recipe.target.type;
  folder.save();
  return folder;
}

ExitCode explain_one(const PlannedBuild& planned, const TypedBuild& typed,
                     const CommandContext& context) {
  SystemClock clock;
  std::printf("%s on %s\n", label_of(planned.recipe).c_str(), planned.recipe.target.type.c_str());
  BuildFolder folder = new_folder(planned, typed, clock);
  const ExitCode code = explain_build(planned.recipe, typed.build, folder, context);
  std::error_code error;
  fs::remove_all(folder.path(), error);
  return code;
}

ExitCode build_one(const PlannedBuild& planned, const TypedBuild& typed,
                   const CommandContext& context) {
  SystemClock clock;
  const auto begun = clock.monotonic();
  BuildFolder folder = new_folder(planned, typed, clock);
  std::fprintf(stderr, "%s on %s  (build %s)\n", label_of(planned.recipe).c_str(),
               planned.recipe.target.type.c_str(), folder.record().id.c_str());
  BuildOptions options = typed.build;
  std::optional<BuildProgress> progress;
  if (typed.progress) {
    options.progress = &progress.emplace(STDOUT_FILENO);
    ProgressLine line;
    line.build = folder.record().id;
    progress->tell(line);
  }
  const BuildEnd end = build_image(planned.recipe, options, folder, context);
  const ExitCode code =
      finish_build(folder, end, std::chrono::duration<double>(clock.monotonic() - begun).count());
  if (progress) {
    ProgressLine line;
    line.ended = folder.record().state;
    line.message = end.message;
    line.image = end.image;
    progress->tell(line);
  }
  return code;
}

/// What one of several builds is called with.
BuildJob job_for(const PlannedBuild& planned, const TypedBuild& typed) {
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
  return job;
}

/// Looked at once, so that a mistake is told once and not by every build.
bool components_are_valid(const std::vector<PlannedBuild>& builds, const CommandContext& context) {
  Recipe all;
  std::set<std::string> seen;
  for (const PlannedBuild& planned : builds) {
    for (const RecipeComponent& component : planned.recipe.components) {
      if (seen.insert(component.document).second) all.components.push_back(component);
    }
  }
  return load_components(all, context).has_value();
}

ExitCode build_at_once(const std::vector<PlannedBuild>& builds, const TypedBuild& typed,
                       const CommandContext& context) {
  if (typed.build.on_failure == "ask" || typed.build.on_failure == "shell") {
    throw Error(
        Error::Kind::usage,
        "--on-failure=" + typed.build.on_failure + " does not go with several builds at once",
        "take --on-failure=keep and then toehold shell, or --jobs 1");
  }
  if (!components_are_valid(builds, context)) return ExitCode::failure;
  std::vector<BuildJob> jobs;
  for (const PlannedBuild& planned : builds) jobs.push_back(job_for(planned, typed));
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
  if (typed.jobs != 1 && builds.size() > 1 && !typed.explain) {
    return build_at_once(builds, typed, context);
  }
  ExitCode code = ExitCode::success;
  for (const PlannedBuild& planned : builds) {
    const ExitCode one =
        typed.explain ? explain_one(planned, typed, context) : build_one(planned, typed, context);
    if (one == ExitCode::interrupted) return one;
    if (one != ExitCode::success) code = one;
  }
  return code;
}

}  // namespace

ExitCode finish_build(BuildFolder& folder, const BuildEnd& end, double seconds) {
  BuildRecord& record = folder.record();
  bool kept = false;
  for (const InventoryRecord& made : folder.inventory().remaining()) {
    kept = kept || made.state == "kept";
  }
  record.failed_step = end.failed_step;
  record.message = end.message;
  record.state = end.code == ExitCode::success ? "succeeded" : (kept ? "kept" : "failed");
  folder.save();
  const fs::path logs = folder.path() / "logs";
  std::error_code error;
  if (fs::exists(logs, error)) std::fprintf(stderr, "logs     %s\n", logs.c_str());
  if (end.code == ExitCode::success) {
    std::fprintf(stderr, "\nbuilt in %s\n", format_duration(seconds).c_str());
  } else {
    std::fprintf(stderr, "\nnot built: %s (%s)\n", end.message.c_str(),
                 format_duration(seconds).c_str());
  }
  return end.code;
}

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
      ->add_option("--set", typed->settings,
                   "KEY=VALUE: a key of the recipe (target.base=host) or of its matrix")
      ->allow_extra_args(false);
  command
      ->add_option("-o,--output", typed->outputs,
                   "Kind of output, or KIND=FILE: changes, oci-archive, qcow2, raw, rootfs")
      ->allow_extra_args(false);
  context.words["build output"] = output_kinds;
  command->add_flag("--no-cache", typed->no_cache, "Run every step");
  command->add_flag("--offline", typed->offline, "Steps have no network but loopback");
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
