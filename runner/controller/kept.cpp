#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_image.hpp"
#include "runner/controller/build_sources.hpp"
#include "runner/controller/build_words.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/ec2_sweep.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/elsewhere.hpp"
#include "runner/controller/image_draft.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/recipe_check.hpp"
#include "runner/controller/rootless.hpp"
#include "runner/controller/sandbox_instance.hpp"

namespace toehold {

namespace {

/// The recipe of a build as it is now, or as it came with the folder from another machine.
Recipe recipe_of(const BuildFolder& folder) {
  const BuildRecord& record = folder.record();
  const RecipeSettings settings = parse_settings(record.settings);
  const SourceTexts fetched = read_fetched_sources(folder.path());
  const auto text = fetched.find(record.recipe);
  LoadedRecipes loaded =
      text == fetched.end() ? load_recipe(record.recipe, settings)
                            : read_recipe(std::make_shared<SourceText>(record.recipe, text->second),
                                          fs::path(record.recipe).parent_path(), settings);
  for (Recipe& recipe : loaded.builds) {
    for (const std::string& output : record.outputs) recipe.outputs.push_back(parse_output(output));
  }
  check_recipes(loaded);
  for (const Diagnostic& finding : loaded.diagnostics.items()) {
    std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
  }
  if (loaded.diagnostics.has_errors() || loaded.builds.empty()) {
    throw Error(Error::Kind::document,
                "the recipe of build " + record.id + " is not valid any more");
  }
  return std::move(loaded.builds.front());
}

/// Whether it may have an instance to look at or to go on with.
bool is_there(const BuildRecord& record) {
  return is_unfinished(record) && record.state != "delivered";
}

void require_kept(const BuildRecord& record) {
  if (is_there(record)) return;
  constexpr std::string_view distribution = "distribute-";
  if (record.id.starts_with(std::string(distribution) + "ami-")) {
    const std::string image = record.id.substr(distribution.size());
    throw Error(Error::Kind::usage, record.id + " is no build, but the distribution of an image",
                "go on with it: toehold distribute " + image.substr(0, image.find('-', 4)) +
                    (record.recipe.empty() ? "" : " --recipe " + record.recipe));
  }
  throw Error(Error::Kind::usage,
              "build " + record.id + " has " + record.state + " and left nothing",
              "build it again with --on-failure=keep: toehold build " + record.recipe);
}

struct TypedShell {
  std::string build;
  bool take_over = false;
  std::vector<std::string> command;
};

ExitCode shell(const TypedShell& typed, const CommandContext& context) {
  BuildFolder folder = open_build(typed.build, {typed.take_over, false, "shell"}, context.stop);
  require_kept(folder.record());
  become_root_for({folder.record().target}, context);
  const Recipe recipe = recipe_of(folder);
  SystemClock clock;
  RealProcessRunner processes;
  const BuildContext build{folder.record().id,
                           folder.path(),
                           folder.inventory(),
                           processes,
                           clock,
                           context,
                           context.stop,
                           true,
                           {},
                           "none"};
  const bool of_test = folder.record().failed_step.starts_with("test.");
  const auto instance = make_provider(recipe.target.type)->find(recipe, of_test, build);
  const int code = instance->shell(typed.command);
  instance->keep();
  return static_cast<ExitCode>(code);
}

/// What the store lists of a build that was killed before it delivered.
void take_back_listed(const std::vector<InventoryRecord>& records) {
  for (const InventoryRecord& record : records) {
    if (!ImageDraft::is_whole(record)) continue;
    ImageDraft::take_back(record);
    std::printf("removed  image %s\n", fs::path(record.id).filename().c_str());
  }
}

/// Of what the inventory has; an image that was delivered stays. True when nothing else is left.
bool remove_made(BuildFolder& folder, ProcessRunner& processes) {
  const std::vector<InventoryRecord> records = folder.inventory().remaining();
  bool clean = true;
  for (const InventoryRecord& record : records) {
    if (ImageDraft::is_whole(record)) continue;  // it was put into the store
    const bool is_draft = ImageDraft::is_draft(record);
    const auto provider = is_draft ? nullptr : make_provider(record.provider);
    const bool gone = is_draft ? ImageDraft::remove(record) : provider->remove(record, processes);
    if (gone && provider && provider->is_withdrawn(record)) take_back_listed(records);
    if (gone) folder.inventory().set_state(record.number, "removed");
    std::printf("%s  %s %s\n", gone ? "removed" : "STILL THERE", record.kind.c_str(),
                record.id.c_str());
    clean = clean && gone;
  }
  ImageDraft::forget_put(folder.inventory());
  return clean;
}

/// The image is out: only the removal was cut short.
ExitCode end_delivered(BuildFolder& folder) {
  BuildRecord& record = folder.record();
  std::fprintf(stderr, "%s\nit was delivered before; what is left is removed\n",
               record.delivered.c_str());
  RealProcessRunner processes;
  if (!remove_made(folder, processes)) return ExitCode::failure;
  record.state = "succeeded";
  folder.save();
  return ExitCode::success;
}

struct TypedResume {
  std::string build;
  BuildOptions options;
  bool take_over = false;
  bool skip = false;
  bool go_on = false;
};

ExitCode resume(TypedResume typed, const CommandContext& context) {
  BuildFolder folder = open_build(typed.build, {typed.take_over}, context.stop);
  BuildRecord& record = folder.record();
  if (record.state != "delivered") require_kept(record);
  become_root_for({record.target}, context);
  if (record.state == "delivered") return end_delivered(folder);
  if ((typed.skip || typed.go_on) && record.failed_step.empty()) {
    throw Error(Error::Kind::usage, "no step of build " + record.id + " has failed");
  }
  if (typed.options.view == "auto") {
    typed.options.view = ::isatty(STDERR_FILENO) == 1 ? "live" : "plain";
  }
  if (typed.skip) typed.options.choices.emplace_back(record.failed_step, StepChoice::skip);
  if (typed.go_on) typed.options.choices.emplace_back(record.failed_step, StepChoice::take_as_done);
  typed.options.tests = !record.without_tests;
  const Recipe recipe = recipe_of(folder);
  if (!typed.options.refresh.empty()) {
    const auto documents =
        load_components(recipe, silenced(context), read_fetched_sources(folder.path()));
    if (documents) check_refresh(typed.options.refresh, *documents);
  }
  SystemClock clock;
  const auto begun = clock.monotonic();
  const BuildEnd end = build_image(recipe, typed.options, folder, context);
  return finish_build(folder, end, std::chrono::duration<double>(clock.monotonic() - begun).count(),
                      context);
}

struct TypedCleanup {
  std::vector<std::string> builds;
  std::string target;                // what is left there, by whichever machine
  std::vector<std::string> regions;  // of it
  bool yes = false;
  bool all = false;
  bool take_over = false;
  bool not_busy = false;  // of ourselves: builds that were not named by anybody
};

/// True when nothing of it is left.
bool clean_up(BuildFolder& folder, ProcessRunner& processes) {
  if (!remove_made(folder, processes)) return false;
  folder.end_copy();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.path(), error)) {
    const bool is_state = entry.path().filename().string().starts_with("state-");
    if (is_state) ScratchFolder::remove_left(entry.path());
  }
  fs::remove_all(folder.path(), error);
  return !error;
}

/// A build that was killed before it had a record had nothing else either.
void remove_unrecorded_builds() {
  for (const fs::path& folder : unrecorded_builds()) {
    try {
      const FileLock lock(folder / "lock");
      std::error_code error;
      if (!fs::exists(folder / "build.json", error)) fs::remove_all(folder, error);
    } catch (const Error&) {
      // It is about to have one.
    }
  }
}

/// Those in the list that only root of the sandboxes can remove go out of it into the result.
std::vector<std::string> take_sandboxes(std::vector<std::string>& ids,
                                        const std::vector<BuildRecord>& records) {
  const auto is_sandbox = [&](const std::string& id) {
    return std::any_of(records.begin(), records.end(), [&](const BuildRecord& record) {
      return record.target == sandbox_target && record.id.starts_with(id);
    });
  };
  const auto first = std::stable_partition(ids.begin(), ids.end(), std::not_fn(is_sandbox));
  std::vector<std::string> sandboxes(first, ids.end());
  ids.erase(first, ids.end());
  return sandboxes;
}

ExitCode clean_up_all(const std::vector<std::string>& ids, const TypedCleanup& typed, bool named,
                      std::stop_token stop) {
  RealProcessRunner processes;
  ExitCode code = ExitCode::success;
  for (const std::string& id : ids) {
    try {
      BuildFolder folder = open_build(id, {typed.take_over, true, "cleanup"}, stop);
      const std::string whole = folder.record().id;
      if (clean_up(folder, processes)) {
        std::printf("build %s is gone\n", whole.c_str());
      } else {
        code = ExitCode::failure;
      }
    } catch (const Error& error) {
      // One that is at work is nobody's rubbish; named, it is an error.
      if (error.kind() != Error::Kind::busy || named) throw;
      std::printf("build %s is at work\n", id.c_str());
    }
  }
  return code;
}

ExitCode cleanup(const TypedCleanup& typed, const CommandContext& context) {
  if (!typed.target.empty()) return sweep_ec2(typed.regions, typed.yes, context);
  const std::vector<BuildRecord> records = list_builds();
  const bool named = !typed.builds.empty() && !typed.not_busy;
  std::vector<std::string> ids = typed.builds;
  if (ids.empty()) {
    for (const BuildRecord& record : records) {
      if (typed.all || record.state != "kept") ids.push_back(record.id);
    }
    remove_unrecorded_builds();
  }
  if (::geteuid() == 0) return clean_up_all(ids, typed, named, context.stop);
  // A container engine of the user knows its containers only from outside of the namespace.
  std::vector<std::string> sandboxes = take_sandboxes(ids, records);
  const ExitCode code = clean_up_all(ids, typed, named, context.stop);
  if (sandboxes.empty() || code != ExitCode::success) return code;
  sandboxes.insert(sandboxes.begin(), "cleanup");
  if (!named) sandboxes.push_back("--not-busy");
  become_root(context, sandboxes);
  return code;
}

void print_builds(const std::string& format) {
  Value::List list;
  for (const BuildRecord& record : list_builds()) {
    if (format == "json") {
      list.push_back(Value::object({{"id", record.id},
                                    {"recipe", record.recipe},
                                    {"target", record.target},
                                    {"state", record.state},
                                    {"failedStep", record.failed_step},
                                    {"started", rfc3339_utc(record.started)}}));
    } else {
      std::printf("%-44s %-10s %-9s %s  %s\n", record.id.c_str(), record.state.c_str(),
                  record.target.c_str(), rfc3339_utc(record.started).c_str(),
                  record.failed_step.c_str());
    }
  }
  if (format == "json") std::puts(to_json(Value(std::move(list)), 2).c_str());
}

}  // namespace

namespace {

std::vector<std::string> ids_of(const std::function<bool(const BuildRecord&)>& fits) {
  std::vector<std::string> ids;
  for (const BuildRecord& record : list_builds()) {
    if (fits(record)) ids.push_back(record.id);
  }
  return ids;
}

void add_build_name(CLI::App& command, std::string& build) {
  command
      .add_option("build", build,
                  "Its id, or the beginning of it; or s3://BUCKET/PREFIX/ID, where its target has "
                  "put its state")
      ->required();
}

void add_take_over(CLI::App& command, bool& take_over) {
  command.add_flag("--take-over", take_over,
                   "Although another machine has driven the build a moment ago: that one is gone");
}

}  // namespace

void add_shell(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedShell>();
  CLI::App* command = app.add_subcommand("shell", "A shell in what a failed build has kept");
  add_build_name(*command, typed->build);
  add_take_over(*command, typed->take_over);
  context.words["shell build"] = [] { return ids_of(is_there); };
  command->footer("What stands behind the id is a program to run instead of a shell.");
  command->prefix_command();  // its options are its own
  command->callback([typed, command, &context] {
    typed->command = command->remaining();
    context.exit_code = shell(*typed, context);
  });
}

void add_resume(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedResume>();
  CLI::App* command = app.add_subcommand("resume", "Go on with a build that was kept or killed");
  add_build_name(*command, typed->build);
  add_take_over(*command, typed->take_over);
  context.words["resume build"] = [] { return ids_of(is_unfinished); };
  auto* skip = command->add_flag("--skip", typed->skip, "Leave the failed step out");
  command
      ->add_flag("--take-as-done", typed->go_on,
                 "Keep what the failed step, and you in a shell, have done")
      ->excludes(skip);
  add_build_options(*command, typed->options);
  command->callback([typed, &context] { context.exit_code = resume(*typed, context); });
}

void add_cleanup(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedCleanup>();
  CLI::App* command =
      app.add_subcommand("cleanup", "Remove what builds have left, but for kept ones");
  auto* builds = command->add_option("builds", typed->builds,
                                     "Builds, kept or not: ids, or addresses as of `resume`");
  add_take_over(*command, typed->take_over);
  context.words["cleanup builds"] = [] { return ids_of([](const BuildRecord&) { return true; }); };
  command->add_flag("--all", typed->all, "Those that were kept, too");
  auto* target =
      command
          ->add_option("--target", typed->target,
                       "ec2: what builds on any machine have left there and have no lease for")
          ->check(CLI::IsMember({ec2_target}))
          ->excludes(builds);
  command->add_option("--region", typed->regions, "Regions of it; else the one that is set")
      ->needs(target);
  command->add_flag("--yes", typed->yes, "Remove it without asking")->needs(target);
  command->add_flag("--not-busy", typed->not_busy)->group("");
  command->callback([typed, &context] { context.exit_code = cleanup(*typed, context); });
}

void add_builds(CLI::App& app, CommandContext&) {
  auto format = std::make_shared<std::string>("text");
  CLI::App* command = app.add_subcommand("builds", "List builds that left something");
  command->add_option("--format", *format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([format] { print_builds(*format); });
}

}  // namespace toehold
