#include "runner/controller/output_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

#include "runner/base/error.hpp"

namespace toehold {

OutputFile::OutputFile(const fs::path& path) : path_(path), temporary_(path.string() + ".XXXXXX") {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
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

void OutputFile::keep() {
  if (::fsync(fd_.get()) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw Error::from_errno("cannot write " + path_.string(), errno);
  }
  temporary_.clear();
  sync_directory(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

}  // namespace toehold
