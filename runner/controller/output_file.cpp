#include "runner/controller/output_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

#include "runner/base/error.hpp"

namespace toehold {

OutputFile::OutputFile(const fs::path& path) : path_(path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(folder, error);
  fd_ = FileDescriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd_) return;
  temporary_ = path.string() + ".XXXXXX";
  fd_ = FileDescriptor(::mkostemp(temporary_.data(), O_CLOEXEC));
  if (!fd_) throw Error::from_errno("cannot create a file beside " + path.string(), errno);
}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::string_view bytes) {
  write_all(fd_.get(), bytes, path_.string());
  digest_.update(bytes);
  size_ += bytes.size();
}

std::string OutputFile::readable() const {
  return temporary_.empty() ? "/proc/self/fd/" + std::to_string(fd_.get()) : temporary_;
}

/// A file without a name can get one that is free, and only a file with a name can take another's.
void OutputFile::give_name() {
  if (!temporary_.empty()) return;
  const std::string file = readable();
  std::string name = path_.string();
  for (;; name = path_.string() + "." + random_hex(3)) {
    if (::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = name;
      return;
    }
    if (errno != EEXIST) throw Error::from_errno("cannot write " + path_.string(), errno);
  }
}

void OutputFile::keep() {
  if (::fsync(fd_.get()) != 0) throw Error::from_errno("cannot write " + path_.string(), errno);
  give_name();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw Error::from_errno("cannot write " + path_.string(), errno);
  }
  temporary_.clear();
  sync_directory(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

}  // namespace toehold
