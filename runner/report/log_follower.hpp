// LogFollower: reads console.log while it is written and turns its lines into log events: the stamp
// becomes the event's time, the rest its message. Called by CloudWatchLog from its thread; holds a
// few hundred KiB however long log and lines are, and never writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "runner/aws/logs.hpp"
#include "runner/base/files.hpp"

namespace toehold {

class LogFollower {
 public:
  /// Begins at byte `position`, or at the end of a shorter file. Throws Error(io).
  LogFollower(const std::filesystem::path& console_log, std::uint64_t position);

  /// Adds whole lines until the batch is full or there are no more; with `to_the_end` also what
  /// stands behind the last line's end. Throws Error(io).
  void fill(aws::LogBatch& batch, bool to_the_end);

  /// Of the first byte that is in no batch yet.
  std::uint64_t position() const { return position_; }
  /// The bytes of the file from `position` on.
  std::uint64_t bytes_from(std::uint64_t position) const;

 private:
  std::string_view next_segment(bool to_the_end) const;
  bool read_more();

  FileDescriptor fd_;
  std::uint64_t position_ = 0;
  std::string buffer_;        // of the file, from position_ - at_ on
  std::size_t at_ = 0;        // what is in a batch
  bool inside_line_ = false;  // the beginning of the line at position_ is in a batch
  UnixMillis line_time_ = 0;  // of the last line that had one
};

}  // namespace toehold
