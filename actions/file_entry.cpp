#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "actions/file_tree.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

void throw_errno(const std::string& what, const fs::path& path) {
  throw_errno(what, path, errno);
}

void throw_errno(const std::string& what, const fs::path& path, int reason, std::string hint) {
  if (reason == ENOSPC && hint.empty()) hint = "make room, then run it again";
  if (reason == EROFS && hint.empty()) hint = "it is on a file system that is mounted read-only";
  throw Error::from_errno(what + " " + path.string(), reason, std::move(hint));
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

void copy_labels(int from, int to, bool with_capabilities) {
  std::string names(64 << 10, '\0');
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size <= 0) return;
  names.resize(static_cast<std::size_t>(size));
  std::string value(64 << 10, '\0');
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const char* name = names.c_str() + at;
    if (!with_capabilities && std::string_view(name) == "security.capability") continue;
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
