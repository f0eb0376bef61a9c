#include "runner/controller/build_jobs.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <thread>

#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"
#include "runner/base/process.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_folder.hpp"
#include "runner/controller/build_progress.hpp"
#include "runner/controller/state_file.hpp"
#include "runner/report/terminal.hpp"

namespace toehold {

namespace {

constexpr std::size_t shown_of_a_failure = 40;  // lines
constexpr std::size_t kept_of_a_log = 16u << 10;
constexpr rlim_t most_files = 16384;       // each program that is started may look at every one
constexpr std::size_t shown_at_work = 20;  // builds, on a live screen

/// One build and how far it is; all but `job` is read and written under the screen's lock.
struct Running {
  const BuildJob* job = nullptr;
  ProgressLine now;
  std::chrono::steady_clock::time_point begun{};
  bool at_work = false;
  bool failed = false;
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
    row.failed = !built;
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
                      (has_log(now.build) ? "; all of it: " + log_file(now.build).string() : "") +
                      "\n" + last_lines(log) + "---\n");
    }
    draw();
  }

  void draw() {
    if (!terminal_.live()) return;
    std::vector<std::string> lines;
    std::size_t waiting = 0;
    std::size_t unseen = 0;
    for (const Running& row : rows_) {
      if (row.at_work && lines.size() == shown_at_work) {
        ++unseen;
      } else if (row.at_work) {
        lines.push_back(label(row) + "  " + progress(row.now) + "  " + time_of(row));
      }
      if (!row.at_work && row.begun == std::chrono::steady_clock::time_point{}) ++waiting;
    }
    if (unseen > 0) lines.push_back(count_of(unseen, "more build") + " at work");
    if (waiting > 0) lines.push_back(count_of(waiting, "build") + " waiting");
    if (lines.empty()) return terminal_.clear_status();
    terminal_.status_lines(lines);
  }

  void tick() {
    const std::lock_guard lock(mutex_);
    draw();
  }

  /// What is to be found in a long log: which of them are not built.
  void sum_up() {
    const std::lock_guard lock(mutex_);
    std::string failed;
    std::size_t count = 0;
    for (const Running& row : rows_) {
      if (!row.failed) continue;
      ++count;
      failed += "  " + label(row) + "  " + row.now.message + "\n";
    }
    if (count == 0) return;
    terminal_.print(std::to_string(count) + " of " + count_of(rows_.size(), "build") +
                    " failed:\n" + failed);
  }

  std::string build_of(std::size_t number) {
    const std::lock_guard lock(mutex_);
    return rows_[number].now.build;
  }

  /// Not when it was refused before it made anything.
  static bool has_log(const std::string& build) {
    std::error_code error;
    return !build.empty() && fs::exists(log_file(build), error);
  }
  static fs::path log_file(const std::string& build) {
    return builds_folder() / build / build_log_name;
  }

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
  /// Does not throw: some of a build's threads, and what it does at its end, could not bear it.
  void add(std::string_view bytes) noexcept {
    const std::lock_guard lock(mutex_);
    text_ += bytes;
    if (!file_) return;
    try {
      write_all(file_.get(), bytes, build_log_name);
    } catch (const Error& error) {
      log(LogLevel::warning, error.full_message());  // a full disk is told of by the build itself
    }
    if (text_.size() > 2 * kept_of_a_log) text_.erase(0, text_.size() - kept_of_a_log);
  }
  void open(const std::string& build) {
    const std::lock_guard lock(mutex_);
    if (file_ || build.empty()) return;
    const fs::path path = JobScreen::log_file(build);
    file_ = FileDescriptor(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_) throw Error::from_errno("cannot write " + path.string(), errno);
    write_all(file_.get(), text_, build_log_name);
  }
  /// Once nothing writes any more.
  const std::string& end() const { return text_; }

 private:
  std::mutex mutex_;  // a build may have several threads
  std::string text_;
  FileDescriptor file_;
};

/// Runs one build to its end.
class JobRunner {
 public:
  JobRunner(JobScreen& screen, const CommandContext& command)
      : screen_(screen), command_(command) {}

  ProcessResult run(std::size_t number, const BuildJob& job) {
    return job.here ? run_here(number, job) : run_process(number, job);
  }

 private:
  ProcessResult run_here(std::size_t number, const BuildJob& job) {
    JobLog log;
    const JobOutput output{[&](std::string_view text) { log.add(text); },
                           [&](const ProgressLine& line) {
                             screen_.take(number, line);
                             log.open(line.build);
                           }};
    screen_.begin(number);
    const auto failed = [&](const Error& error) {
      log.add(error_text(command_.style, error, false));
      ProgressLine line;
      line.ended = "failed";
      line.message = error.full_message();
      screen_.take(number, line);
      return exit_code_of(error);
    };
    ExitCode code = ExitCode::failure;
    try {
      code = job.here(output);
    } catch (const Error& error) {
      code = failed(error);
    } catch (const std::exception& error) {
      code = failed(Error(Error::Kind::process, error.what()));
    }
    ProcessResult result;
    result.exit_code = static_cast<int>(code);
    result.cancelled = code == ExitCode::interrupted;
    screen_.end(number, result, log.end());
    return result;
  }

  ProcessResult run_process(std::size_t number, const BuildJob& job) {
    Command command{{"/proc/self/exe"}, "", {}};
    command.argv.insert(command.argv.end(), job.arguments.begin(), job.arguments.end());
    JobLog log;
    std::string lines;
    screen_.begin(number);
    const ProcessResult result = processes_.run(
        command,
        [&](Stream stream, std::string_view bytes) {
          if (bytes.empty()) return;
          if (stream == Stream::err) return log.add(bytes);
          lines += bytes;
          for (std::size_t end; (end = lines.find('\n')) != std::string::npos;) {
            screen_.take(number, decode_progress(lines.substr(0, end)));
            lines.erase(0, end + 1);
          }
          log.open(screen_.build_of(number));
        },
        [](int) {}, Deadline(), command_.stop);
    screen_.end(number, result, log.end());
    return result;
  }

  JobScreen& screen_;
  const CommandContext& command_;
  RealProcessRunner processes_{
      std::chrono::seconds(30)};  // a build cleans up when it is told to end
};

/// Hundreds of builds have their files in one process.
void raise_limit_of_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = std::min(files.rlim_max, std::max(files.rlim_cur, most_files));
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// Threads that mostly wait want little memory, not fast allocation: by its own choice the C
/// library has a heap for each few of them, and keeps in it what was freed.
void keep_memory_small() {
#ifdef __GLIBC__
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 10);
#endif
}

ExitCode code_of_all(const std::vector<ExitCode>& codes) {
  for (const ExitCode code : codes) {
    if (code == ExitCode::interrupted) return code;
  }
  for (const ExitCode code : codes) {
    if (code != ExitCode::success) return code;
  }
  return ExitCode::success;
}

/// False when this process may have no more.
template <class Work>
bool start_thread(std::vector<std::jthread>& threads, const Work& work) {
  try {
    threads.emplace_back(work);
    return true;
  } catch (const std::system_error& error) {
    log(LogLevel::warning, "cannot start a thread: " + error.code().message());
    return false;
  }
}

}  // namespace

ExitCode run_jobs(const std::vector<BuildJob>& jobs, const JobOptions& options,
                  const CommandContext& command) {
  const bool here =
      std::any_of(jobs.begin(), jobs.end(), [](const auto& job) { return !!job.here; });
  if (here) {
    raise_limit_of_files();
    keep_memory_small();
  }
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
        const ProcessResult result = JobRunner(screen, command).run(number, jobs[number]);
        codes[number] = result.cancelled ? ExitCode::interrupted
                                         : static_cast<ExitCode>(result.exit_code.value_or(1));
      } catch (const std::exception& error) {
        const std::lock_guard lock(failure_mutex);
        failure = full_message(error);
        codes[number] = ExitCode::failure;
      }
    }
  };
  {
    std::vector<std::jthread> ticks, workers;
    if (options.live) {
      start_thread(ticks, [&](const std::stop_token& over) {
        while (clock.sleep_for(std::chrono::milliseconds(200), over)) screen.tick();
      });
    }
    const std::size_t wanted = std::min(options.at_once, jobs.size());
    while (workers.size() < wanted && start_thread(workers, work)) {
    }
    if (workers.size() < wanted) work();
  }
  screen.sum_up();
  if (!failure.empty()) throw Error(Error::Kind::process, failure);
  return code_of_all(codes);
}

}  // namespace toehold
