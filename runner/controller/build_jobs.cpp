#include "runner/controller/build_jobs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/process.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_folder.hpp"
#include "runner/controller/build_progress.hpp"
#include "runner/report/terminal.hpp"

namespace toehold {

namespace {

constexpr std::size_t shown_of_a_failure = 40;  // lines
constexpr std::size_t kept_of_a_log = 256u << 10;
constexpr const char* log_name = "build.log";

/// One build and how far it is; all but `job` is read and written under the screen's lock.
struct Running {
  const BuildJob* job = nullptr;
  ProgressLine now;
  std::chrono::steady_clock::time_point begun{};
  bool at_work = false;
};

std::string last_lines(const std::string& text) {
  std::size_t begin = text.size();
  for (std::size_t lines = 0; begin > 0 && lines <= shown_of_a_failure; ++lines) {
    const std::size_t end = text.rfind('\n', begin - 1);
    if (end == std::string::npos) return text;
    begin = end;
  }
  return text.substr(begin + 1);
}

class JobScreen {
 public:
  JobScreen(const std::vector<BuildJob>& jobs, const JobOptions& options, Clock& clock)
      : terminal_({STDERR_FILENO, options.live, colour_wanted(STDERR_FILENO), unicode_wanted()}),
        clock_(clock),
        rows_(jobs.size()) {
    terminal_.set_quiet(options.quiet);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      rows_[i].job = &jobs[i];
      widest_ = std::max(widest_, jobs[i].label.size());
    }
  }

  void begin(std::size_t number) {
    const std::lock_guard lock(mutex_);
    rows_[number].at_work = true;
    rows_[number].begun = clock_.monotonic();
    draw();
  }

  void take(std::size_t number, const ProgressLine& line) {
    const std::lock_guard lock(mutex_);
    ProgressLine& now = rows_[number].now;
    if (!line.build.empty()) now.build = line.build;
    if (!line.stage.empty()) {
      now.stage = line.stage;
      now.steps = line.steps;
      now.done = 0;
    }
    if (!line.step.empty()) now.step = line.step;
    if (line.done > 0) now.done = line.done;
    if (!line.ended.empty()) {
      now.ended = line.ended;
      now.message = line.message;
      now.image = line.image;
    }
    if (!line.step.empty() && !terminal_.live()) {
      terminal_.print(label(rows_[number]) + "  " + progress(now) + "\n");
    }
    draw();
  }

  void end(std::size_t number, const ProcessResult& result, const std::string& log) {
    const std::lock_guard lock(mutex_);
    Running& row = rows_[number];
    row.at_work = false;
    const ProgressLine& now = row.now;
    const bool built = result.succeeded();
    std::string text = label(row) + "  ";
    if (built) {
      text += terminal_.green("built") + " in " + time_of(row);
      if (!now.image.empty()) text += "  image " + now.image;
    } else {
      text += terminal_.red(result.cancelled ? "interrupted" : "not built") + " after " +
              time_of(row) + ": " + (now.message.empty() ? describe(result) : now.message);
    }
    terminal_.print(text + "\n");
    if (!built && !result.cancelled) {
      terminal_.print("--- the end of what it printed" +
                      (now.build.empty() ? "" : "; all of it: " + log_file(now.build).string()) +
                      "\n" + last_lines(log) + "---\n");
    }
    draw();
  }

  void draw() {
    if (!terminal_.live()) return;
    std::vector<std::string> lines;
    std::size_t waiting = 0;
    for (const Running& row : rows_) {
      if (row.at_work) lines.push_back(label(row) + "  " + progress(row.now) + "  " + time_of(row));
      if (!row.at_work && row.begun == std::chrono::steady_clock::time_point{}) ++waiting;
    }
    if (waiting > 0) lines.push_back(count_of(waiting, "build") + " waiting");
    if (lines.empty()) return terminal_.clear_status();
    terminal_.status_lines(lines);
  }

  void tick() {
    const std::lock_guard lock(mutex_);
    draw();
  }

  std::string build_of(std::size_t number) {
    const std::lock_guard lock(mutex_);
    return rows_[number].now.build;
  }

  static fs::path log_file(const std::string& build) { return builds_folder() / build / log_name; }

 private:
  std::string label(const Running& row) const {
    std::string text = row.job->label;
    text.resize(std::max(widest_, text.size()), ' ');
    return text;
  }
  static std::string progress(const ProgressLine& now) {
    if (now.stage.empty()) return "starting";
    const std::string of = std::to_string(std::min(now.done + 1, now.steps));
    return now.stage + " " + of + "/" + std::to_string(now.steps) + "  " + now.step;
  }
  std::string time_of(const Running& row) const {
    return format_duration(std::chrono::duration<double>(clock_.monotonic() - row.begun).count());
  }

  std::mutex mutex_;
  Terminal terminal_;
  Clock& clock_;
  std::vector<Running> rows_;
  std::size_t widest_ = 0;
};

/// What a build prints: its end in memory, all of it in the build's folder as soon as that is
/// known.
class JobLog {
 public:
  void add(std::string_view bytes) {
    text_ += bytes;
    if (file_) {
      write_all(file_.get(), bytes, log_name);
      if (text_.size() > 2 * kept_of_a_log) text_.erase(0, text_.size() - kept_of_a_log);
    }
  }
  void open(const std::string& build) {
    if (file_ || build.empty()) return;
    const fs::path path = JobScreen::log_file(build);
    file_ = FileDescriptor(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_) throw Error::from_errno("cannot write " + path.string(), errno);
    write_all(file_.get(), text_, log_name);
  }
  const std::string& end() const { return text_; }

 private:
  std::string text_;
  FileDescriptor file_;
};

/// Runs one build to its end.
class JobRunner {
 public:
  JobRunner(JobScreen& screen, std::stop_token stop) : screen_(screen), stop_(std::move(stop)) {}

  ProcessResult run(std::size_t number, const BuildJob& job) {
    Command command{{"/proc/self/exe"}, "", {}};
    command.argv.insert(command.argv.end(), job.arguments.begin(), job.arguments.end());
    JobLog log;
    std::string lines;
    screen_.begin(number);
    const ProcessResult result = processes_.run(
        command,
        [&](Stream stream, std::string_view bytes) {
          if (bytes.empty()) return screen_.tick();
          if (stream == Stream::err) return log.add(bytes);
          lines += bytes;
          for (std::size_t end; (end = lines.find('\n')) != std::string::npos;) {
            screen_.take(number, decode_progress(lines.substr(0, end)));
            lines.erase(0, end + 1);
          }
          log.open(screen_.build_of(number));
        },
        [](int) {}, Deadline(), stop_);
    screen_.end(number, result, log.end());
    return result;
  }

 private:
  JobScreen& screen_;
  std::stop_token stop_;
  RealProcessRunner processes_{
      std::chrono::seconds(30)};  // a build cleans up when it is told to end
};

}  // namespace

ExitCode run_jobs(const std::vector<BuildJob>& jobs, const JobOptions& options,
                  const CommandContext& command) {
  SystemClock clock;
  JobScreen screen(jobs, options, clock);
  std::vector<ExitCode> codes(jobs.size(), ExitCode::success);
  std::atomic<std::size_t> next{0};
  std::mutex failure_mutex;
  std::string failure;
  const auto work = [&] {
    for (std::size_t number; (number = next++) < jobs.size();) {
      if (command.stop.stop_requested()) {
        codes[number] = ExitCode::interrupted;
        continue;
      }
      try {
        const ProcessResult result = JobRunner(screen, command.stop).run(number, jobs[number]);
        codes[number] = result.cancelled ? ExitCode::interrupted
                                         : static_cast<ExitCode>(result.exit_code.value_or(1));
      } catch (const Error& error) {
        const std::lock_guard lock(failure_mutex);
        failure = error.full_message();
        codes[number] = ExitCode::failure;
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(options.at_once, jobs.size()); ++i) {
      workers.emplace_back(work);
    }
  }
  if (!failure.empty()) throw Error(Error::Kind::process, failure);
  for (const ExitCode code : codes) {
    if (code == ExitCode::interrupted) return code;
  }
  for (const ExitCode code : codes) {
    if (code != ExitCode::success) return code;
  }
  return ExitCode::success;
}

}  // namespace toehold
