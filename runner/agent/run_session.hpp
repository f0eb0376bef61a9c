// RunSession: one process's part of a run: takes the state folder, finds out whether it begins or
// goes on, opens the reports, runs the engine and leaves the result. Called by `run`.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runner/agent/aws_reach.hpp"
#include "runner/agent/log_delivery.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/agent/run_options.hpp"
#include "runner/base/files.hpp"
#include "runner/engine/engine.hpp"
#include "runner/engine/journal.hpp"
#include "runner/engine/redactor.hpp"
#include "runner/report/console.hpp"
#include "runner/report/file_log.hpp"

namespace toehold {

class RunSession {
 public:
  /// The references outlive the session.
  RunSession(const RunOptions& options, const CommandContext& context, AwsReach& aws,
             RunSite site = {});

  /// Runs `plan` to its end, a reboot or an interruption. Throws Error.
  ExitCode run(const Plan& plan);

 private:
  void take_state_directory(const Plan& plan);
  void read_earlier(const Plan& plan);
  RunStarted begin(const Plan& plan);
  RunEnd run_engine(const Plan& plan, const RunStarted& started);
  void open_file_log(std::optional<FileLog>& file_log, const fs::path& logs);
  ExitCode finish(const RunStarted& started, const RunEnd& end);
  ExitCode reboot();
  void register_known_secrets(const Plan& plan);
  SourcePtr nested_source(const std::string& name, const std::string& bucket_owner);
  void hide_query(const std::string& document);
  ConsoleOptions console_options() const;
  std::string retry_command() const;
  ExitCode interrupted();

  const RunOptions& options_;
  const CommandContext& context_;
  AwsReach& aws_;
  RunSite site_;
  SystemClock clock_;
  Platform platform_;
  RealProcessRunner processes_;
  std::optional<StateFiles> state_;
  std::optional<FileLock> lock_;
  std::string fingerprint_;
  JournalContents journal_contents_;
  RunState earlier_;
  std::optional<RunState> previous_;
  Secrets secrets_;
  std::optional<LogDelivery> delivery_;
};

/// How a run is shown on stderr; `view`: "live", "plain", else nothing is.
ConsoleOptions screen_on_stderr(const std::string& view);

/// The object of awstoe on stdout for a run that never began.
void print_early_failure(const std::string& execution_id, const std::string& message);

}  // namespace toehold
