#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_image.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/sandbox_base.hpp"

namespace toehold {

namespace {

struct TypedBuild {
  std::string recipe;
  std::vector<std::string> settings;
  std::vector<std::string> outputs;
  BuildOptions build;
  bool no_cache = false;
  bool no_tests = false;
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

/// `rootfs`, or `rootfs=FILE`.
OutputSpec parse_output(const std::string& text) {
  const std::size_t equals = text.find('=');
  OutputSpec output;
  output.type = text.substr(0, equals);
  const std::vector<std::string> known{"changes", "oci-archive", "rootfs"};
  if (std::find(known.begin(), known.end(), output.type) == known.end()) {
    const std::string hint = did_you_mean(output.type, known);
    throw Error(Error::Kind::usage, "--output: there is no kind '" + output.type + "'",
                hint.empty() ? "kinds: " + join(known, ", ") : hint);
  }
  if (equals != std::string::npos) output.path = fs::absolute(text.substr(equals + 1)).string();
  return output;
}

std::vector<Recipe> read_recipes(const TypedBuild& typed) {
  LoadedRecipes loaded = load_recipe(typed.recipe, parse_settings(typed.settings));
  for (const Diagnostic& finding : loaded.diagnostics.items()) {
    std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
  }
  if (loaded.diagnostics.has_errors()) return {};
  for (Recipe& recipe : loaded.builds) {
    for (const std::string& output : typed.outputs) recipe.outputs.push_back(parse_output(output));
  }
  return std::move(loaded.builds);
}

ExitCode build_one(const Recipe& recipe, const TypedBuild& typed, const CommandContext& context) {
  SystemClock clock;
  const auto begun = clock.monotonic();
  BuildFolder folder = BuildFolder::create(recipe.name, clock.unix_millis());
  BuildRecord& record = folder.record();
  record.recipe = fs::absolute(typed.recipe).lexically_normal().string();
  record.settings = typed.settings;
  for (const auto& [key, value] : recipe.matrix) record.settings.push_back(key + "=" + value);
  record.target = recipe.target.type;
  folder.save();
  const std::string label = matrix_label(recipe);
  std::fprintf(stderr, "%s %s%s on %s  (build %s)\n", recipe.name.c_str(), recipe.version.c_str(),
               label.empty() ? "" : (" " + label).c_str(), recipe.target.type.c_str(),
               record.id.c_str());
  const BuildEnd end = build_image(recipe, typed.build, folder, context);
  return finish_build(folder, end,
                      std::chrono::duration<double>(clock.monotonic() - begun).count());
}

ExitCode build(TypedBuild typed, const CommandContext& context) {
  typed.build.use_cache = !typed.no_cache;
  typed.build.tests = !typed.no_tests;
  if (typed.build.view == "auto") {
    typed.build.view = ::isatty(STDERR_FILENO) == 1 ? "live" : "plain";
  }
  ExitCode code = ExitCode::success;
  const std::vector<Recipe> recipes = read_recipes(typed);
  if (recipes.empty()) return ExitCode::failure;
  for (const Recipe& recipe : recipes) {
    const ExitCode one = build_one(recipe, typed, context);
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
  command.add_option("--refresh", options.refresh,
                     "Run this step (PHASE.STEP) although an earlier build has done the same");
  command
      .add_option("--view", options.view,
                  "What stderr shows: live, plain or none; auto: by terminal")
      ->check(CLI::IsMember({"auto", "live", "plain", "none"}))
      ->capture_default_str();
}

void add_build(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedBuild>();
  CLI::App* command = app.add_subcommand("build", "Build an image from a recipe or a component");
  command->add_option("recipe", typed->recipe, "Recipe, or a component to build by itself")
      ->required();
  command->add_option("--set", typed->settings,
                      "KEY=VALUE: a key of the recipe (target.base=host) or of its matrix");
  command->add_option("-o,--output", typed->outputs,
                      "Kind of output, or KIND=FILE: changes, oci-archive, rootfs");
  command->add_flag("--no-cache", typed->no_cache, "Run every step");
  command->add_flag("--no-test", typed->no_tests, "Leave out the test phase");
  add_build_options(*command, typed->build);
  command->callback([typed, &context] { context.exit_code = build(*typed, context); });
}

}  // namespace toehold
