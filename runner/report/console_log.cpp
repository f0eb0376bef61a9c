#include "runner/report/console_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

ConsoleLog::ConsoleLog(const std::filesystem::path& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) throw Error::from_errno("cannot write " + path.string(), errno);
  // A process that was killed may have left a line without its end.
  const off_t size = ::lseek(fd_.get(), 0, SEEK_END);
  char last = '\n';
  if (size > 0 && ::pread(fd_.get(), &last, 1, size - 1) == 1 && last != '\n') {
    buffer_ = "\n";
    write_buffer();
  }
}

void ConsoleLog::write_buffer() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd_.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      lost_ += rest.size();
      break;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  buffer_.clear();
}

void ConsoleLog::end_open_line() {
  if (open_stream_ < 0) return;
  buffer_ += '\n';
  open_stream_ = -1;
}

const std::string& ConsoleLog::stamp(UnixMillis time) {
  if (time != stamp_time_) {
    char millis[8];
    std::snprintf(millis, sizeof millis, ".%03d ", static_cast<int>(time % 1000));
    stamp_ = format_utc(time, "%Y-%m-%d %H:%M:%S") + millis;
    stamp_time_ = time;
  }
  return stamp_;
}

void ConsoleLog::line(UnixMillis time, const char* level, std::string_view text) {
  end_open_line();
  for (std::size_t begin = 0; begin <= text.size();) {  // every line with its own beginning
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    buffer_.append(stamp(time)).append(level).append(" ").append(text.substr(begin, end - begin));
    buffer_ += '\n';
    begin = end + 1;
  }
}

void ConsoleLog::output(UnixMillis time, const Output& piece) {
  if (!piece.logging) {
    if (hidden_.insert(piece.step).second) {
      line(time, "Info", "The output of this step is not logged (disableLogging)");
      write_buffer();
    }
    return;
  }
  // One stamp for the whole piece, and no line is copied twice: this has to keep up with a pipe.
  const std::string prefix =
      stamp(time) + (piece.stream == Stream::out ? "Info Stdout: " : "Info Stderr: ");
  const int stream = static_cast<int>(piece.stream);
  if (open_stream_ >= 0 && open_stream_ != stream) end_open_line();
  const bool open = open_stream_ >= 0;
  open_stream_ = -1;
  const char* at = piece.bytes.data();
  const char* const end = at + piece.bytes.size();
  bool inside = open;
  while (at != end) {
    if (!inside) buffer_ += prefix;
    const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    const char* const stop = found ? static_cast<const char*>(found) + 1 : end;
    buffer_.append(at, stop);
    inside = !found;
    at = stop;
  }
  open_stream_ = inside ? stream : -1;
  write_buffer();
}

void ConsoleLog::finished(const Event& event, const RunFinished& run) {
  if (is_success(run.status)) {
    line(event.time, "Info", "TOE has completed execution successfully");
  } else {
    line(event.time, "Error",
         "TOE has completed execution with failure - Execution failed! " + run.message);
  }
  if (lost_ != 0) {
    line(event.time, "Error",
         format_size(lost_) + " of this log are missing: the disk did not take them");
  }
}

void ConsoleLog::on(const Event& event) {
  const UnixMillis time = event.time;
  const auto write = [&]<class T>(const T& data) {
    if constexpr (std::is_same_v<T, Output>) {
      output(time, data);
    } else if constexpr (std::is_same_v<T, DocumentStarted>) {
      line(time, "Info", "Document " + data.path);
    } else if constexpr (std::is_same_v<T, PhaseStarted>) {
      line(time, "Info", "Phase " + data.phase);
    } else if constexpr (std::is_same_v<T, StepStarted>) {
      line(time, "Info", "Step " + data.name);
    } else if constexpr (std::is_same_v<T, AttemptStarted>) {
      ran_program_ = false;
      if (data.attempt > 1) line(time, "Info", "Attempt " + std::to_string(data.attempt));
    } else if constexpr (std::is_same_v<T, ProcessStarted>) {
      ran_program_ = true;
    } else if constexpr (std::is_same_v<T, IterationStarted>) {
      line(time, "Info", "Loop index " + std::to_string(data.index) + " value " + data.value);
    } else if constexpr (std::is_same_v<T, AttemptFinished>) {
      const bool ended_well = data.result == "success" && ran_program_;
      if (data.exit_code || ended_well) {
        line(time, "Info", "CmdExecution: ExitCode " + std::to_string(data.exit_code.value_or(0)));
      }
      if (data.result != "success") {
        line(time, "Error", "CmdExecution: [ERROR] " + data.message);
      }
    } else if constexpr (std::is_same_v<T, StepFinished>) {
      if (data.status == "skipped") line(time, "Info", "Step skipped by its if condition");
      if (data.status == "failed") line(time, "Error", "[ ERROR ] Step failed: " + data.message);
      if (data.status == "ignoredFailure") {
        line(time, "Warning", "Step failed and onFailure is Ignore: " + data.message);
      }
    } else if constexpr (std::is_same_v<T, Note>) {
      const char* level = data.level == "error"     ? "Error"
                          : data.level == "warning" ? "Warning"
                                                    : "Info";
      line(time, level, data.text);
    } else if constexpr (std::is_same_v<T, RebootRequested>) {
      line(time, "Info", "Getting reboot signal");
    } else if constexpr (std::is_same_v<T, Resumed>) {
      line(time, "Info",
           data.reason == "reboot" ? "Executor: System has rebooted successfully"
                                   : "Executor: goes on after an interruption");
    } else if constexpr (std::is_same_v<T, RunFinished>) {
      line(time, "Info", "Executor: FINISHED EXECUTION OF ALL DOCUMENTS");
      finished(event, data);
    }
  };
  std::visit(write, event.data);
  write_buffer();
}

}  // namespace toehold
