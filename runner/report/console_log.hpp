// ConsoleLog: console.log, in the lines that awstoe's readers know: what runs, what the steps print
// as it comes, how it ends. Streams any amount in bounded memory: what is passed in is written
// before on() returns. A disk that is full costs lines, never the run.
#pragma once

#include <array>
#include <filesystem>
#include <set>
#include <string>

#include "runner/base/files.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

class ConsoleLog final : public EventSink {
 public:
  /// Appends; mode 0600. Throws Error(io).
  explicit ConsoleLog(const std::filesystem::path& path);
  void on(const Event& event) override;

  /// Bytes that the disk did not take.
  unsigned long long lost() const { return lost_; }

 private:
  const std::string& stamp(UnixMillis time);
  void line(UnixMillis time, const char* level, std::string_view text);
  void output(UnixMillis time, const Output& piece);
  void end_open_line();
  void write_buffer();
  void finished(const Event& event, const RunFinished& run);

  FileDescriptor fd_;
  std::string buffer_;
  std::string stamp_;  // of stamp_time_
  UnixMillis stamp_time_ = -1;
  int open_stream_ = -1;          // the stream whose line has not ended yet, or -1
  std::set<std::string> hidden_;  // steps whose output is not shown, already said so
  bool ran_program_ = false;      // in the attempt that is under way
  unsigned long long lost_ = 0;
};

}  // namespace toehold
