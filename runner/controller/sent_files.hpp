// SentFiles: files that an agent's `send` prints, written into a folder here as they come. Called
// by remote_agent; takes only names of a log folder, whatever the machine sends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "runner/base/files.hpp"

namespace toehold {

class SentFiles {
 public:
  explicit SentFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Throws Error(network) for what `send` would not print, Error(io).
  void take(std::string_view bytes);
  /// Between two files, or behind the last one.
  bool whole() const { return left_ == 0 && head_.empty(); }

 private:
  void begin();

  std::filesystem::path folder_;
  std::string head_;  // a line that has not ended yet
  FileDescriptor file_;
  std::string name_;
  std::uint64_t left_ = 0;  // bytes of this file that are still to come
};

}  // namespace toehold
