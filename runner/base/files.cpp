#include "runner/base/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

namespace toehold {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() {
  return std::exchange(fd_, -1);
}

void FileDescriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string read_file(const fs::path& path, std::size_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw Error::from_errno("cannot read " + path.string(), errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw Error::from_errno("cannot read " + path.string(), EISDIR);
  }
  std::string content;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno("cannot read " + path.string(), errno);
    if (count == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(count));
    if (content.size() > limit) {
      throw Error(Error::Kind::io, path.string() + " is larger than " + format_size(limit));
    }
  }
}

void write_all(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno("cannot write " + what, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(
      ::fdopendir(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), ::closedir);
  if (!stream) return names;
  while (const dirent* item = ::readdir(stream.get())) {
    const std::string_view name = item->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void append_line(int fd, std::string_view line, const std::string& what) {
  const off_t end = ::lseek(fd, 0, SEEK_END);
  try {
    write_all(fd, std::string(line) + "\n", what);
  } catch (...) {
    (void)!::ftruncate(fd, end);
    throw;
  }
}

void write_file_atomically(const fs::path& path, std::string_view content, unsigned mode) {
  std::string temporary = path.string() + ".XXXXXX";
  const FileDescriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) throw Error::from_errno("cannot create a file beside " + path.string(), errno);
  try {
    write_all(fd.get(), content, path.string());
    if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0 ||
        ::rename(temporary.c_str(), path.c_str()) != 0) {
      throw Error::from_errno("cannot write " + path.string(), errno);
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void make_private_directory(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) {
    throw Error(Error::Kind::io,
                "cannot create the folder " + path.parent_path().string() + ": " + error.message());
  }
  if (::mkdir(path.c_str(), 0700) == 0) return;
  const int reason = errno;
  if (reason == EEXIST && fs::is_directory(path, error)) return;
  throw Error::from_errno("cannot create the folder " + path.string(), reason);
}

void sync_directory(const fs::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems refuse fsync of a folder; they need none.
  if (!fd || (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)) {
    throw Error::from_errno("cannot sync the folder " + path.string(), errno);
  }
}

TempDirectory::TempDirectory(const fs::path& parent, const std::string& prefix) {
  std::string name = (parent / (prefix + "XXXXXX")).string();
  if (!::mkdtemp(name.data())) {
    throw Error::from_errno("cannot create a temporary folder in " + parent.string(), errno);
  }
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {

/// A child between fork and exec holds the lock of its parent, also when that was killed; only for
/// an instant, but a busy machine makes long ones of them.
bool is_held_by_the_dead(const fs::path& path) {
  const auto holder = Value(trim(read_file(path, 64))).as_int();
  return holder && *holder > 0 && ::kill(static_cast<pid_t>(*holder), 0) != 0 && errno == ESRCH;
}

}  // namespace

FileLock::FileLock(const fs::path& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) throw Error::from_errno("cannot open " + path.string(), errno);
  constexpr int most_tries = 200;  // 10 ms each
  for (int tries = 0; ::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw Error::from_errno("cannot lock " + path.string(), errno);
    if (tries < most_tries && is_held_by_the_dead(path)) {
      ::usleep(10000);
      continue;
    }
    const std::string holder(trim(read_file(path, 64)));
    throw Error(Error::Kind::busy,
                path.parent_path().string() + " is in use by process " +
                    (holder.empty() ? "(unknown)" : holder),
                "wait for it to end, or give this run a folder of its own with --state-directory");
  }
  if (::ftruncate(fd_.get(), 0) != 0) {
    throw Error::from_errno("cannot write " + path.string(), errno);
  }
  write_all(fd_.get(), std::to_string(::getpid()) + "\n", path.string());
}

bool is_locked(const fs::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace toehold
