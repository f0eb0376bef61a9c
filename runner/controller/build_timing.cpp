#include "runner/controller/build_timing.hpp"

#include <cstdio>

namespace toehold {

namespace {

std::string row_text(double seconds, const std::string& what, bool of_stage) {
  char number[32];
  std::snprintf(number, sizeof number, "%9.2f s  ", seconds);
  return (of_stage ? "    " : "") + std::string(number) + what + "\n";
}

}  // namespace

double BuildTiming::end_lap() {
  const Monotonic now = clock_.monotonic();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  last_ = now;
  return seconds;
}

void BuildTiming::lap(const std::string& what) {
  rows_.push_back({end_lap(), what, false});
}

void BuildTiming::stage(const std::string& name, const std::vector<ManifestStep>& steps) {
  const double all = end_lap();
  rows_.push_back({all, "stage " + name, false});
  double between = all;
  for (const ManifestStep& step : steps) {
    if (step.result == "skipped") continue;
    rows_.push_back({step.seconds, step.phase + "." + step.name, true});
    between -= step.seconds;
  }
  // A stage that a later process went on with has steps that this one did not wait for.
  if (between > 0) rows_.push_back({between, "before, between and after the steps", true});
}

std::string BuildTiming::text() const {
  std::string text = "== where the time went\n";
  double sum = 0;
  for (const Row& row : rows_) {
    text += row_text(row.seconds, row.what, row.of_stage);
    if (!row.of_stage) sum += row.seconds;
  }
  return text + row_text(sum, "in all", false);
}

}  // namespace toehold
