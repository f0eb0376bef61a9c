// Several builds at once, with a line of progress for each. A build is a process of its own, so
// that none can disturb another, or a thread, where it does nothing but wait for other machines and
// there may be hundreds. Called by the command `build`; reads no recipe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/agent/program.hpp"
#include "runner/controller/build_progress.hpp"

namespace toehold {

/// Where a build tells how it is doing. Any thread.
struct JobOutput {
  std::function<void(std::string_view)> print;  // instead of stderr
  std::function<void(const ProgressLine&)> progress;
};

struct BuildJob {
  std::string label;                   // "site 1.0.0 SUITE=bookworm"
  std::vector<std::string> arguments;  // of toehold, "build" first
  /// Runs it in this process instead; what it throws ends this build only.
  std::function<ExitCode(const JobOutput&)> here = {};
};

struct JobOptions {
  std::size_t at_once = 1;
  bool live = false;  // lines that are redrawn; else a line for each fact
  bool quiet = false;
};

/// Runs all of them, `at_once` at a time, each with `--progress`; one that fails keeps none of the
/// others. What a failed one printed is shown when it ends, and at the end all of them are named.
/// Returns the code of the first that failed.
ExitCode run_jobs(const std::vector<BuildJob>& jobs, const JobOptions& options,
                  const CommandContext& command);

}  // namespace toehold
