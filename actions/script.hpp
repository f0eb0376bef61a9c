// Running a program for a step: its output goes to the logs as it comes and, up to a limit, into
// `stdout`; its end becomes an Outcome. Shared by ExecuteBash, ExecuteBinary, ExecutePowerShell.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/engine/action.hpp"

namespace toehold {

/// By this exit code a program asks for a reboot, after which its step runs again.
inline constexpr int reboot_exit_code = 194;
/// The longest `stdout` that can be referred to; the logs have all of it.
inline constexpr std::size_t most_captured_output = 1 << 20;
/// What is kept of a longer one. It is for the record only, and a record of control characters
/// takes six times as much, in memory more than once.
inline constexpr std::size_t most_of_truncated_output = 64 << 10;

/// The outputs of the three actions, for their tables.
std::vector<OutputInfo> program_outputs();

/// Runs `command` with the context's environment. `action`: the name in progress lines.
Outcome run_program(const std::string& action, Command command, ActionContext& context);

/// A private folder with one script in it, gone at the end of the scope.
class ScriptFile {
 public:
  /// Each of `commands` begins a line of its own. `name`: of the file, "input.sh".
  ScriptFile(const std::string& action, const std::string& name,
             const std::vector<std::string>& commands, ActionContext& context);
  std::string path() const { return path_.string(); }

 private:
  TempDirectory folder_;
  fs::path path_;
};

}  // namespace toehold
