// Console: what a person sees of a run on stderr, as it happens. Live on a terminal (what runs and
// for how long stays on the last line), plain in a log, or nothing. Shows what a screen can take: a
// step that floods it is cut with a count, and console.log has everything.
#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/engine/event_sink.hpp"
#include "runner/report/failure_screen.hpp"
#include "runner/report/terminal.hpp"

namespace toehold {

struct ConsoleOptions {
  enum class Mode { live, plain, none } mode = Mode::plain;
  TerminalStyle terminal;
  bool github = false;        // folds steps into groups of GitHub Actions
  std::string retry_command;  // what was typed, without --from and --only
  bool name_logs = true;      // at the end
};

class Console final : public EventSink {
 public:
  explicit Console(ConsoleOptions options);
  void on(const Event& event) override;
  void tick() override;
  /// While on, events are those of a run that goes on: remembered, for they say where it stands,
  /// but not shown again.
  void set_recalling(bool on) { terminal_.set_quiet(on); }

 private:
  struct RunningStep {
    StepStarted started;
    std::chrono::steady_clock::time_point since;
    std::int64_t attempt = 1;
    std::int64_t iteration = -1;
    std::deque<std::string> tail;
    std::size_t tail_bytes = 0;
    std::string open_line[2];  // per stream: what has no newline yet
    unsigned long long shown_bytes = 0;
    unsigned long long skipped_lines = 0;
    bool in_doubt = false;
  };

  void output(const Output& piece);
  void output_line(RunningStep& step, std::string line);
  void flush_output(RunningStep& step);
  void step_started(const StepStarted& data);
  void step_finished(const StepFinished& data);
  void run_finished(const Event& event, const RunFinished& data);
  void resumed(const Resumed& data);
  void draw_status();
  std::string indent() const { return std::string(2 * steps_.size() + 2, ' '); }

  ConsoleOptions options_;
  Terminal terminal_;
  std::vector<RunningStep> steps_;  // the running step, with those that called it before it
  std::unordered_map<std::string, std::string> document_paths_;
  std::vector<FailedStep> failed_;
  std::vector<std::pair<double, std::string>> durations_;
  std::string log_directory_;
  std::string heading_;  // of the document and phase that run
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point drawn_{};
  unsigned long long bytes_since_tick_ = 0;
  std::size_t skipped_steps_ = 0;
  unsigned frame_ = 0;
};

}  // namespace toehold
