#include "runner/report/console.hpp"

#include <algorithm>
#include <array>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t tail_lines = 20;
constexpr std::size_t tail_most_bytes = 64 * 1024;
constexpr std::size_t longest_line = 4096;
/// More than a screen can take between two ticks.
constexpr unsigned long long live_bytes_per_tick = 256 * 1024;
/// More than anybody reads of one step in a log.
constexpr unsigned long long plain_bytes_per_step = 64ull << 20;

double seconds_since(steady_clock::time_point begin) {
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::string pad(const std::string& text, std::size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

}  // namespace

Console::Console(ConsoleOptions options)
    : options_(std::move(options)), terminal_(options_.terminal) {}

void Console::on(const Event& event) {
  const auto show = [&]<class T>(const T& data) {
    if constexpr (std::is_same_v<T, Output>) {
      output(data);
    } else if constexpr (std::is_same_v<T, RunStarted>) {
      log_directory_ = data.log_directory;
    } else if constexpr (std::is_same_v<T, DocumentStarted>) {
      const std::string path = printable(data.path);
      document_paths_[data.document] = path;
      heading_ = indent().substr(2) + terminal_.bold(path) +
                 (data.name.empty() ? "" : "  " + printable(data.name)) + "\n";
      terminal_.print(heading_);
    } else if constexpr (std::is_same_v<T, PhaseStarted>) {
      const std::string line = indent().substr(2) + terminal_.cyan("phase " + data.phase) + "\n";
      heading_ = heading_.substr(0, heading_.find('\n') + 1) + line;
      terminal_.print(line);
    } else if constexpr (std::is_same_v<T, StepStarted>) {
      step_started(data);
    } else if constexpr (std::is_same_v<T, AttemptStarted>) {
      if (!steps_.empty()) steps_.back().attempt = data.attempt;
    } else if constexpr (std::is_same_v<T, IterationStarted>) {
      if (!steps_.empty()) steps_.back().iteration = data.index;
    } else if constexpr (std::is_same_v<T, AttemptFinished>) {
      if (steps_.empty()) return;
      flush_output(steps_.back());
      steps_.back().in_doubt = data.result == "inDoubt";
      if (data.result != "success" && data.attempt < steps_.back().started.max_attempts) {
        terminal_.print(indent() +
                        terminal_.yellow("attempt " + std::to_string(data.attempt) + " of " +
                                         std::to_string(steps_.back().started.max_attempts) + ": " +
                                         printable(data.message)) +
                        "\n");
      }
    } else if constexpr (std::is_same_v<T, StepFinished>) {
      step_finished(data);
    } else if constexpr (std::is_same_v<T, Note>) {
      if (data.level == "info") return;
      const std::string text = printable(data.text);
      terminal_.print(
          indent() + (data.level == "error" ? terminal_.red(text) : terminal_.yellow(text)) + "\n");
    } else if constexpr (std::is_same_v<T, Resumed>) {
      resumed(data);
    } else if constexpr (std::is_same_v<T, RunFinished>) {
      run_finished(event, data);
    }
  };
  if (options_.mode == ConsoleOptions::Mode::none) return;
  std::visit(show, event.data);
}

void Console::step_started(const StepStarted& data) {
  RunningStep step;
  step.started = data;
  step.since = steady_clock::now();
  if (options_.github && data.decision != "Skip") {
    terminal_.print("::group::" + data.phase + "." + data.name + " (" + data.action + ")\n");
  } else if (!terminal_.live() && data.decision != "Skip") {
    terminal_.print(indent() + data.name + " " + terminal_.dim("(" + data.action + ")") + "\n");
  }
  steps_.push_back(std::move(step));
  draw_status();
}

void Console::resumed(const Resumed& data) {
  const std::string after = data.reason == "reboot" ? "the reboot" : "an interruption";
  terminal_.print(terminal_.yellow("going on after " + after) + "\n" + heading_);
  if (steps_.empty()) return;
  const StepStarted& step = steps_.back().started;
  terminal_.print(indent().substr(2) + step.name + " " + terminal_.dim("(" + step.action + ")") +
                  "\n");
}

void Console::output(const Output& piece) {
  if (steps_.empty() || !piece.logging) return;
  RunningStep& step = steps_.back();
  std::string& open = step.open_line[static_cast<std::size_t>(piece.stream)];
  std::string_view rest = piece.bytes;
  // Of a flood only the end is looked at; what is before it can be on no screen.
  if (terminal_.live() && rest.size() > live_bytes_per_tick) {
    const std::string_view dropped = rest.substr(0, rest.size() - live_bytes_per_tick);
    step.skipped_lines +=
        static_cast<unsigned long long>(std::count(dropped.begin(), dropped.end(), '\n'));
    rest.remove_prefix(dropped.size());
    open.clear();
  }
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      if (open.size() < longest_line) open += rest.substr(0, longest_line - open.size());
      break;
    }
    if (open.size() < longest_line)
      open += rest.substr(0, std::min(end, longest_line - open.size()));
    output_line(step, std::exchange(open, {}));
    rest.remove_prefix(end + 1);
  }
  if (terminal_.live() && seconds_since(drawn_) > 0.1) draw_status();
}

void Console::output_line(RunningStep& step, std::string line) {
  // A progress bar redraws its line; its last state is what counts.
  while (line.ends_with('\r')) line.pop_back();
  if (const std::size_t redrawn = line.rfind('\r'); redrawn != std::string::npos) {
    line.erase(0, redrawn + 1);
  }
  line = printable(line);
  step.tail_bytes += line.size();
  step.tail.push_back(line);
  while (step.tail.size() > tail_lines ||
         (step.tail_bytes > tail_most_bytes && step.tail.size() > 1)) {
    step.tail_bytes -= step.tail.front().size();
    step.tail.pop_front();
  }
  step.shown_bytes += line.size() + 1;
  bytes_since_tick_ += line.size() + 1;
  const bool flood = terminal_.live() ? bytes_since_tick_ > live_bytes_per_tick
                                      : step.shown_bytes > plain_bytes_per_step;
  if (flood) {
    ++step.skipped_lines;
    return;
  }
  terminal_.print(indent() + terminal_.dim(terminal_.unicode() ? "\u2502 " : "| ") + line + "\n");
}

void Console::flush_output(RunningStep& step) {
  for (std::string& open : step.open_line) {
    if (!open.empty()) output_line(step, std::exchange(open, {}));
  }
  if (step.skipped_lines == 0) return;
  terminal_.print(indent() +
                  terminal_.dim("... " + std::to_string(step.skipped_lines) +
                                " lines not shown; console.log has them") +
                  "\n");
  step.skipped_lines = 0;
}

void Console::tick() {
  if (options_.mode == ConsoleOptions::Mode::none) return;
  bytes_since_tick_ = 0;
  draw_status();
}

void Console::draw_status() {
  if (!terminal_.live() || steps_.empty()) return;
  constexpr std::array frames{"\u280b", "\u2819", "\u2839", "\u2838", "\u283c",
                              "\u2834", "\u2826", "\u2827", "\u2807", "\u280f"};
  const RunningStep& step = steps_.back();
  drawn_ = steady_clock::now();
  std::string text = "  ";
  text += terminal_.unicode() ? frames[++frame_ % frames.size()] : "*";
  text += " " + step.started.phase + "." + step.started.name + "  " + step.started.action + "  " +
          format_duration(seconds_since(step.since));
  if (step.attempt > 1) text += "  attempt " + std::to_string(step.attempt);
  if (step.iteration >= 0) text += "  loop index " + std::to_string(step.iteration);
  terminal_.status(text);
}

void Console::step_finished(const StepFinished& data) {
  if (steps_.empty() || steps_.back().started.step != data.step) return;
  flush_output(steps_.back());
  RunningStep step = std::move(steps_.back());
  steps_.pop_back();
  const bool unicode = terminal_.unicode();
  std::string mark = terminal_.green(unicode ? "\u2713" : "ok");
  std::string note;
  if (data.status == "skipped") {
    mark = terminal_.dim("-");
    note = "  skipped";
    ++skipped_steps_;
  } else if (data.status == "ignoredFailure") {
    mark = terminal_.yellow("!");
    note = "  failed, ignored: " + printable(data.message);
  } else if (data.status == "failed") {
    mark = terminal_.red(unicode ? "\u2717" : "FAILED");
    note = "  " + printable(data.message);
    failed_.push_back({document_paths_[step.started.document],
                       step.started,
                       data,
                       {step.tail.begin(), step.tail.end()},
                       step.in_doubt});
  }
  if (data.cached.value_or(false)) note += "  cached";
  if (data.attempts > 1)
    note += "  (" + count_of(static_cast<std::size_t>(data.attempts), "attempt") + ")";
  durations_.emplace_back(data.seconds, step.started.phase + "." + step.started.name);
  const std::string time = data.status == "skipped" ? "" : format_duration(data.seconds);
  if (options_.github && step.started.decision != "Skip") terminal_.print("::endgroup::\n");
  terminal_.print(
      indent() + mark + " " + pad(step.started.name, 28) + " " +
      terminal_.dim(pad(step.started.action, 18) + " " + (note.empty() ? time : pad(time, 7))) +
      note + "\n");
}

void Console::run_finished(const Event&, const RunFinished& data) {
  steps_.clear();
  for (const FailedStep& failed : failed_) {
    if (options_.github) {
      terminal_.print("::error file=" + failed.document_path +
                      ",line=" + std::to_string(failed.started.line) + "::" + failed.started.phase +
                      "." + failed.started.name + ": " +
                      replace_all(printable(failed.finished.message), "\n", "%0A") + "\n");
    }
    terminal_.print(failure_screen(failed, terminal_, options_.retry_command, log_directory_));
  }
  const bool good = is_success(data.status);
  std::string text = "\n";
  text +=
      good ? terminal_.green(terminal_.bold("success")) : terminal_.red(terminal_.bold("failed"));
  text += "  " + count_of(static_cast<std::size_t>(data.executed_steps), "step") + " run";
  if (data.failed_steps) text += ", " + std::to_string(data.failed_steps) + " failed";
  if (data.ignored_failed_steps) {
    text += ", " + std::to_string(data.ignored_failed_steps) + " failed and ignored";
  }
  if (skipped_steps_) text += ", " + std::to_string(skipped_steps_) + " skipped";
  text += ", " + format_duration(seconds_since(begun_)) + "\n";
  std::stable_sort(durations_.begin(), durations_.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (durations_.size() > 3 && durations_.front().first >= 1) {
    text += terminal_.dim("slowest  ");
    for (std::size_t i = 0; i < 3; ++i) {
      text += (i ? ", " : "") + durations_[i].second + " " + format_duration(durations_[i].first);
    }
    text += "\n";
  }
  if (options_.name_logs && !log_directory_.empty()) {
    text += terminal_.dim("logs     ") + log_directory_ + "\n";
  }
  terminal_.print(text);
}

}  // namespace toehold
