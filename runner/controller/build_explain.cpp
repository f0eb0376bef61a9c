#include "runner/controller/build_explain.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "runner/base/text.hpp"
#include "runner/report/terminal.hpp"

namespace toehold {

namespace {

void print_rows(const std::vector<StepForecast>& rows) {
  const Terminal terminal({STDOUT_FILENO, false, colour_wanted(STDOUT_FILENO), unicode_wanted()});
  std::size_t widest = 0;
  std::size_t runs = 0;
  for (const StepForecast& row : rows) {
    widest = std::max(widest, row.name.size());
    runs += row.outcome == "runs" ? 1 : 0;
  }
  for (const StepForecast& row : rows) {
    std::string outcome = row.outcome;
    outcome.resize(7, ' ');
    const std::string shown = row.outcome == "cached" ? terminal.green(outcome)
                              : row.outcome == "runs" ? terminal.yellow(outcome)
                                                      : terminal.dim(outcome);
    std::printf("  %-*s  %s  %s\n", static_cast<int>(widest), row.name.c_str(), shown.c_str(),
                row.why.c_str());
  }
  std::printf("%zu of %s would run\n", runs, count_of(rows.size(), "step").c_str());
}

/// Every step, for targets that keep nothing from build to build.
std::vector<StepForecast> all_steps(const std::vector<Stage>& stages, const std::string& target) {
  std::vector<StepForecast> rows;
  for (const Stage& stage : stages) {
    for (StepForecast& row : forecast_all_run(stage, "the target " + target + " keeps no layers")) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

ExitCode explain_build(const Recipe& recipe, const BuildOptions& options, BuildFolder& folder,
                       const CommandContext& command) {
  const auto documents = load_components(recipe, command);
  if (!documents) return ExitCode::failure;
  const auto provider = make_provider(recipe.target.type);
  if (!check_target(*provider, recipe, *documents, command)) return ExitCode::failure;
  SystemClock clock;
  RealProcessRunner processes;
  const BuildContext context{
      folder.record().id, folder.path(),     folder.inventory(), processes, clock, command,
      command.stop,       options.use_cache, options.refresh,    "none"};
  const std::vector<Stage> stages = stages_of(recipe, *documents, folder, options.tests);
  const auto rows = provider->forecast(recipe, stages, context);
  print_rows(rows ? *rows : all_steps(stages, recipe.target.type));
  return command.stop.stop_requested() ? ExitCode::interrupted : ExitCode::success;
}

}  // namespace toehold
