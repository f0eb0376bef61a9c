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
#include "runner/controller/commands.hpp"
#include "runner/controller/ec2_sweep.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/image_draft.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/rootless.hpp"
#include "runner/controller/sandbox_instance.hpp"

namespace toehold {

namespace {

/// The recipe of a build as it is now.
Recipe recipe_of(const BuildRecord& record) {
  RecipeSettings settings;
  for (const std::string& text : record.settings) {
    const std::size_t equals = text.find('=');
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  LoadedRecipes loaded = load_recipe(record.recipe, settings);
  for (const Diagnostic& finding : loaded.diagnostics.items()) {
    std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
  }
  if (loaded.diagnostics.has_errors() || loaded.builds.empty()) {
    throw Error(Error::Kind::document,
                "the recipe of build " + record.id + " is not valid any more");
  }
  return std::move(loaded.builds.front());
}

void require_kept(const BuildRecord& record) {
  if (record.state == "kept" || record.state == "running") return;
  throw Error(Error::Kind::usage,
              "build " + record.id + " has " + record.state + " and left nothing",
              "build it again with --on-failure=keep: toehold build " + record.recipe);
}

struct TypedShell {
  std::string build;
  std::vector<std::string> command;
};

ExitCode shell(const TypedShell& typed, const CommandContext& context) {
  BuildFolder folder = BuildFolder::open(typed.build);
  require_kept(folder.record());
  become_root_for({folder.record().target}, context);
  const Recipe recipe = recipe_of(folder.record());
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

struct TypedResume {
  std::string build;
  BuildOptions options;
  bool skip = false;
  bool go_on = false;
};

ExitCode resume(TypedResume typed, const CommandContext& context) {
  BuildFolder folder = BuildFolder::open(typed.build);
  BuildRecord& record = folder.record();
  require_kept(record);
  become_root_for({record.target}, context);
  if ((typed.skip || typed.go_on) && record.failed_step.empty()) {
    throw Error(Error::Kind::usage, "no step of build " + record.id + " has failed");
  }
  if (typed.options.view == "auto") {
    typed.options.view = ::isatty(STDERR_FILENO) == 1 ? "live" : "plain";
  }
  if (typed.skip) typed.options.choices.emplace_back(record.failed_step, StepChoice::skip);
  if (typed.go_on) typed.options.choices.emplace_back(record.failed_step, StepChoice::take_as_done);
  const Recipe recipe = recipe_of(record);
  record.state = "running";
  folder.save();
  SystemClock clock;
  const auto begun = clock.monotonic();
  const BuildEnd end = build_image(recipe, typed.options, folder, context);
  return finish_build(folder, end,
                      std::chrono::duration<double>(clock.monotonic() - begun).count());
}

struct TypedCleanup {
  std::vector<std::string> builds;
  std::string target;                // what is left there, by whichever machine
  std::vector<std::string> regions;  // of it
  bool yes = false;
  bool all = false;
  bool not_busy = false;  // of ourselves: builds that were not named by anybody
};

/// True when nothing of it is left.
bool clean_up(BuildFolder& folder, ProcessRunner& processes) {
  bool clean = true;
  for (const InventoryRecord& record : folder.inventory().remaining()) {
    const bool gone = ImageDraft::is_draft(record)
                          ? ImageDraft::remove(record)
                          : make_provider(record.provider)->remove(record, processes);
    if (gone) folder.inventory().set_state(record.number, "removed");
    std::printf("%s  %s %s\n", gone ? "removed" : "STILL THERE", record.kind.c_str(),
                record.id.c_str());
    clean = clean && gone;
  }
  if (!clean) return false;
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

ExitCode clean_up_all(const std::vector<std::string>& ids, bool named) {
  RealProcessRunner processes;
  ExitCode code = ExitCode::success;
  for (const std::string& id : ids) {
    try {
      BuildFolder folder = BuildFolder::open(id);
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
  if (::geteuid() == 0) return clean_up_all(ids, named);
  // A container engine of the user knows its containers only from outside of the namespace.
  std::vector<std::string> sandboxes = take_sandboxes(ids, records);
  const ExitCode code = clean_up_all(ids, named);
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

std::vector<std::string> ids_in_state(std::initializer_list<std::string_view> states) {
  std::vector<std::string> ids;
  for (const BuildRecord& record : list_builds()) {
    if (std::find(states.begin(), states.end(), record.state) != states.end()) {
      ids.push_back(record.id);
    }
  }
  return ids;
}

}  // namespace

void add_shell(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedShell>();
  CLI::App* command = app.add_subcommand("shell", "A shell in what a failed build has kept");
  command->add_option("build", typed->build, "Its id, or the beginning of it")->required();
  context.words["shell build"] = [] { return ids_in_state({"kept", "running"}); };
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
  command->add_option("build", typed->build, "Its id, or the beginning of it")->required();
  context.words["resume build"] = [] { return ids_in_state({"kept", "running"}); };
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
  auto* builds = command->add_option("builds", typed->builds, "Ids of builds, kept or not");
  context.words["cleanup builds"] = [] {
    return ids_in_state({"kept", "running", "failed", "succeeded"});
  };
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
