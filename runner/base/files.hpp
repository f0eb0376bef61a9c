// Files as the program itself keeps them: read whole, replaced atomically, appended durably,
// locked, made and removed as temporary folders. Own files are 0600 in folders of 0700.
// Called for state, logs and scripts; the documents' file actions have their own helper.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toehold {

namespace fs = std::filesystem;

/// An open file descriptor, closed at the end of its scope.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { close(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void close();

 private:
  int fd_ = -1;
};

/// Throws Error(io) naming the path. `limit`: refuses a larger file.
std::string read_file(const fs::path& path, std::size_t limit = std::size_t(-1));
/// All of it, however often the kernel takes less; throws Error(io) naming `what`.
void write_all(int fd, std::string_view bytes, const std::string& what);
/// What is in an open folder but `.` and `..`, in byte order. What cannot be read is left out.
std::vector<std::string> names_in(int folder);
/// Appends `line` and a newline, or nothing: half a line would spoil the next one, too. For files
/// with one writer. Throws as write_all does.
void append_line(int fd, std::string_view line, const std::string& what);
/// New content or the old one, never a mix: temporary file beside it, fsync, rename, fsync of the
/// folder. Mode 0600 unless given.
void write_file_atomically(const fs::path& path, std::string_view content, unsigned mode = 0600);
/// Makes a private folder (0700) and missing parents; throws Error(io) with the path.
void make_private_directory(const fs::path& path);
/// fsync of a folder, so that names made in it survive a power cut.
void sync_directory(const fs::path& path);

/// A new folder of mode 0700, removed with all that is in it.
class TempDirectory {
 public:
  explicit TempDirectory(const fs::path& parent, const std::string& prefix);
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// An exclusive lock on a file, held until destroyed or the process ends; the file names the
/// holder.
class FileLock {
 public:
  /// Throws Error(busy) that says which process holds it.
  explicit FileLock(const fs::path& path);

 private:
  FileDescriptor fd_;
};
/// Whether a process holds one on that file; false also when there is no such file.
bool is_locked(const fs::path& path);

}  // namespace toehold
