// ProcessRunner: starts a program, hands over its output as it comes, and leaves nothing behind
// when it must be ended early. A seam: tests script it. Called by the actions that run commands;
// never interprets output, never uses a shell.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/clock.hpp"

namespace toehold {

enum class Stream { out, err };

struct Command {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH unless it has a '/'
  std::string working_directory;  // empty: ours
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::string input{};  // what it reads on its standard input; kept in memory while it runs
};

struct ProcessResult {
  std::optional<int> exit_code;  // none when a signal ended it or it never started
  int signal = 0;
  bool timed_out = false;  // the deadline passed and everything it started was killed
  bool cancelled = false;  // the stop token was tripped, likewise
  /// It ended, but a process that it left running still holds its output; that was let go.
  bool output_held = false;
  std::string start_error;  // what and why, when it could not be started: "x: not found in PATH"
  bool succeeded() const { return exit_code == 0 && !timed_out && !cancelled; }
};

/// Called with every piece of output, in order within a stream, from the thread that called run();
/// and with an empty piece about five times a second, so that a screen can show the time.
using OnOutput = std::function<void(Stream, std::string_view)>;
/// Called once, when the program runs: its process id.
using OnStart = std::function<void(int)>;

class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Returns when the leading process has exited (not when its pipes close), or after the deadline
  /// or a stop, when it and everything it started are gone. stdin is `command.input`. Throws
  /// Error(process) only for failures of our own (no descriptors, no memory).
  virtual ProcessResult run(const Command& command, const OnOutput& on_output,
                            const OnStart& on_start, Deadline deadline, std::stop_token stop) = 0;
};

/// The processes to kill are found as descendants of this process, which adopts orphans
/// (PR_SET_CHILD_SUBREAPER), so neither setsid nor a double fork gets away.
class RealProcessRunner final : public ProcessRunner {
 public:
  /// `grace`: between SIGTERM and SIGKILL.
  explicit RealProcessRunner(std::chrono::milliseconds grace = std::chrono::seconds(10));
  ProcessResult run(const Command& command, const OnOutput& on_output, const OnStart& on_start,
                    Deadline deadline, std::stop_token stop) override;

 private:
  std::chrono::milliseconds grace_;
};

/// Kills every process whose environment holds `name=value`, and waits until they are gone.
/// For what an earlier run of this program left behind; returns how many there were.
int kill_processes_with_environment(const std::string& name, const std::string& value);

/// "exit code 3", "killed by SIGKILL", "timed out", "cannot start: ...": for messages.
std::string describe(const ProcessResult& result);

}  // namespace toehold
