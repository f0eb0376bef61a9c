#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "actions/file_tree.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

std::string descriptor_path(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

bool belongs_to_content(std::string_view label) {
  return label == "security.capability" || label == "security.ima" || label == "security.evm";
}

}  // namespace

void throw_errno(const std::string& what, const fs::path& path) {
  throw_errno(what, path, errno);
}

void throw_errno(const std::string& what, const fs::path& path, int reason, std::string hint) {
  if (reason == ENOSPC && hint.empty()) hint = "make room, then run it again";
  if (reason == EROFS && hint.empty()) hint = "it is on a file system that is mounted read-only";
  throw Error::from_errno(what + " " + path.string(), reason, std::move(hint));
}

void refuse_to_overwrite(const fs::path& path) {
  throw Error(Error::Kind::io, path.string() + " exists and overwrite is false",
              "delete it first, or leave overwrite away");
}

bool look_at(const Entry& entry, struct stat& status) {
  if (::fstatat(entry.folder, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  throw_errno("cannot look at", entry.path);
}

void require_regular(const fs::path& path, const struct stat& status) {
  if (S_ISREG(status.st_mode)) return;
  const char* kind = S_ISDIR(status.st_mode)    ? "a folder"
                     : S_ISFIFO(status.st_mode) ? "a named pipe"
                     : S_ISSOCK(status.st_mode) ? "a socket"
                     : S_ISLNK(status.st_mode)  ? "a link"
                                                : "a device";
  throw Error(Error::Kind::io, path.string() + " is " + kind + ", not a file");
}

Entry temporary_beside(const Entry& entry) {
  const std::string name = ".toehold-" + random_hex(8);
  return {entry.folder, name, entry.path.parent_path() / name};
}

NewFile::NewFile(const Entry& entry) : entry_(entry), temporary_(temporary_beside(entry)) {
  fd_ = FileDescriptor(::openat(entry.folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  // The name comes through /proc, which not every chroot has.
  if (fd_ && ::access(descriptor_path(fd()).c_str(), F_OK) == 0) return;
  fd_ = FileDescriptor(
      ::openat(entry.folder, temporary_.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  has_name_ = bool(fd_);
}

NewFile::~NewFile() {
  if (has_name_) ::unlinkat(temporary_.folder, temporary_.name.c_str(), 0);
}

bool NewFile::link_as(const std::string& name) const {
  return ::linkat(AT_FDCWD, descriptor_path(fd()).c_str(), entry_.folder, name.c_str(),
                  AT_SYMLINK_FOLLOW) == 0;
}

bool NewFile::put_in_place(bool overwrite) {
  if (!has_name_) {
    if (link_as(entry_.name)) return true;
    if (errno == EEXIST && !overwrite) refuse_to_overwrite(entry_.path);
    if (errno != EEXIST) throw_errno("cannot create", entry_.path);
    if (!link_as(temporary_.name)) throw_errno("cannot replace", entry_.path);
    has_name_ = true;
  }
  const auto rename = [this](unsigned flags) {
    return ::renameat2(temporary_.folder, temporary_.name.c_str(), entry_.folder,
                       entry_.name.c_str(), flags) == 0;
  };
  bool done = rename(overwrite ? 0 : RENAME_NOREPLACE);
  // File systems without RENAME_NOREPLACE: our callers have looked before.
  if (!done && errno == EINVAL && !overwrite) done = rename(0);
  if (done) {
    has_name_ = false;
    return true;
  }
  if (errno == EEXIST && !overwrite) refuse_to_overwrite(entry_.path);
  if (errno == EBUSY) return false;
  throw_errno("cannot replace", entry_.path);
}

void apply(int fd, const Attributes& attributes, const fs::path& path) {
  const auto unchanged = static_cast<uid_t>(-1);
  if (attributes.owner || attributes.group) {
    const uid_t owner = attributes.owner.value_or(unchanged);
    if (::fchown(fd, owner, attributes.group.value_or(unchanged)) != 0) {
      throw_errno("cannot change the owner of", path);
    }
  }
  if (attributes.mode && ::fchmod(fd, *attributes.mode) != 0) {
    throw_errno("cannot change the mode of", path);
  }
}

void copy_labels(int from, int to, bool same_content) {
  std::string names(64 << 10, '\0');
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size <= 0) return;
  names.resize(static_cast<std::size_t>(size));
  std::string value(64 << 10, '\0');
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const char* name = names.c_str() + at;
    if (!same_content && belongs_to_content(name)) continue;
    const ssize_t length = ::fgetxattr(from, name, value.data(), value.size());
    if (length >= 0) ::fsetxattr(to, name, value.data(), static_cast<std::size_t>(length), 0);
  }
}

void copy_bytes(int from, int to, const fs::path& path, const StopCheck& stop) {
  if (::ioctl(to, FICLONE, from) == 0) return;
  std::string buffer(1 << 18, '\0');
  if (::lseek(from, 0, SEEK_SET) < 0) throw_errno("cannot read", path);
  for (;;) {
    stop();
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("cannot read", path);
    if (count == 0) return;
    write_all(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(count)),
              "the copy of " + path.string());
  }
}

}  // namespace toehold
