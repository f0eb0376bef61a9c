// Several builds at once: each is a process of its own, so that none can disturb another; this one
// shows a line of progress for each. Called by the command `build`; reads no recipe.
#pragma once

#include <string>
#include <vector>

#include "runner/agent/program.hpp"

namespace toehold {

struct BuildJob {
  std::string label;                   // "site 1.0.0 SUITE=bookworm"
  std::vector<std::string> arguments;  // of toehold, "build" first
};

struct JobOptions {
  std::size_t at_once = 1;
  bool live = false;  // lines that are redrawn; else a line for each fact
  bool quiet = false;
};

/// Runs all of them, `at_once` at a time, each with `--progress`; one that fails keeps none of the
/// others. What a failed one printed is shown when it ends. Returns the code of the first that
/// failed.
ExitCode run_jobs(const std::vector<BuildJob>& jobs, const JobOptions& options,
                  const CommandContext& command);

}  // namespace toehold
