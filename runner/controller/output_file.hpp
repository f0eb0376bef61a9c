// OutputFile: a new file that appears under its name only when it is complete, with its SHA-256 and
// size. Called by the writers of outputs; never replaces a file half.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "runner/base/digest.hpp"
#include "runner/base/files.hpp"

namespace toehold {

class OutputFile {
 public:
  /// Makes a file without a name where `path` is to be, 0600, or, on file systems that have none
  /// such, a temporary one. Throws Error(io).
  explicit OutputFile(const std::filesystem::path& path);
  /// Removes it unless it was kept.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  /// On the disk, under its name.
  void keep();
  /// Where the bytes can be read while it is not kept.
  std::string readable() const;
  std::uint64_t size() const { return size_; }
  /// Lower-case hex; call it once.
  std::string sha256() { return digest_.finish(); }

 private:
  void give_name();

  std::filesystem::path path_;
  std::string temporary_;  // empty while it has no name
  FileDescriptor fd_;
  Digest digest_{DigestAlgorithm::sha256};
  std::uint64_t size_ = 0;
};

}  // namespace toehold
