// BuildTiming: where a build's time goes, for `--timing`: one lap after the other, and the steps of
// a stage below theirs. Filled by build_image and the targets through BuildContext; printed once.
#pragma once

#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/controller/manifest.hpp"

namespace toehold {

class BuildTiming {
 public:
  /// The first lap begins now. The clock outlives it.
  explicit BuildTiming(Clock& clock) : clock_(clock), last_(clock.monotonic()) {}
  /// What went on since the last lap ended was `what`.
  void lap(const std::string& what);
  /// The same for a stage, of which these steps ran.
  void stage(const std::string& name, const std::vector<ManifestStep>& steps);
  /// For a person; ends with the sum.
  std::string text() const;

 private:
  struct Row {
    double seconds = 0;
    std::string what;
    bool of_stage = false;  // a part of the row above
  };
  double end_lap();

  Clock& clock_;
  Monotonic last_;
  std::vector<Row> rows_;
};

}  // namespace toehold
