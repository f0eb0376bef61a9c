#include "actions/file_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/umask.hpp"

namespace toehold {

namespace {

[[noreturn]] void failed(const std::string& what, const fs::path& path, int reason = errno) {
  throw Error::from_errno(what + " " + path.string(), reason);
}

/// Names in an open folder, without "." and "..".
std::vector<std::string> names_in(int folder, const fs::path& path) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (!stream) {
    const int reason = errno;
    if (copy >= 0) ::close(copy);
    failed("cannot read the folder", path, reason);
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(stream);
  return names;
}

void remove_below(int folder, const fs::path& path, dev_t device) {
  for (const std::string& name : names_in(folder, path)) {
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      failed("cannot look at", path / name);
    }
    if (!S_ISDIR(status.st_mode)) {
      if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) {
        failed("cannot delete", path / name);
      }
      continue;
    }
    if (status.st_dev != device) {
      throw Error(Error::Kind::io, (path / name).string() + " is another file system's root",
                  "unmount it first");
    }
    const FileDescriptor below(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) failed("cannot open", path / name);
    remove_below(below.get(), path / name, device);
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) failed("cannot delete", path / name);
  }
}

void change_below(int folder, const fs::path& path, const std::function<void(int, bool)>& change) {
  for (const std::string& name : names_in(folder, path)) {
    struct stat status {};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      failed("cannot look at", path / name);
    }
    const bool is_folder = S_ISDIR(status.st_mode);
    if (!is_folder && !S_ISREG(status.st_mode)) continue;  // links, devices, sockets stay
    const FileDescriptor below(
        ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!below) failed("cannot open", path / name);
    // Contents first: a folder that loses its x bit could not be entered any more.
    if (is_folder) change_below(below.get(), path / name, change);
    change(below.get(), is_folder);
  }
}

/// What a write to `path` changes: the target of a link.
fs::path target_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  fs::path target = fs::canonical(path, error);
  if (error) throw Error(Error::Kind::io, path.string() + " is a link to nothing");
  return target;
}

void require_writable_kind(const fs::path& path, const struct stat& status) {
  if (S_ISREG(status.st_mode)) return;
  throw Error(Error::Kind::io,
              path.string() + (S_ISDIR(status.st_mode) ? " is a folder, not a file"
                                                       : " is a device or the like, not a file"));
}

/// Fills a temporary file beside `target`, gives it `mode` and an owner, and renames it.
void replace_file(const fs::path& target, mode_t mode, uid_t owner, gid_t group,
                  const std::function<void(int)>& fill) {
  std::string temporary = target.string() + ".XXXXXX";
  const FileDescriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) failed("cannot create a file beside", target);
  try {
    fill(fd.get());
    // chown first: it may clear the set-id bits that fchmod then sets.
    if (::fchown(fd.get(), owner, group) != 0) failed("cannot change the owner of", target);
    if (::fchmod(fd.get(), mode) != 0) failed("cannot change the mode of", target);
    if (::fsync(fd.get()) != 0) failed("cannot write", target);
    if (::rename(temporary.c_str(), target.c_str()) != 0) failed("cannot replace", target);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

void copy_bytes(int from, int to, const fs::path& path) {
  std::string buffer(1 << 18, '\0');
  for (;;) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) failed("cannot read", path);
    if (count == 0) return;
    write_all(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(count)),
              path.string());
  }
}

}  // namespace

bool create_folder_at(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return false;
  create_parents(path);
  if (::mkdir(path.c_str(), 0777) != 0) {
    const int reason = errno;
    if (reason == EEXIST && fs::is_directory(path, error)) return false;
    failed("cannot create the folder", path, reason);
  }
  // Our own umask is narrower than that of whoever started us.
  if (::chmod(path.c_str(), 0777 & ~caller_umask()) != 0) failed("cannot change the mode of", path);
  return true;
}

void create_parents(const fs::path& path) {
  const fs::path parent = path.parent_path();
  if (!parent.empty() && parent != path) create_folder_at(parent);
}

void write_document_file(const fs::path& path, std::string_view content, std::optional<mode_t> mode,
                         std::optional<uid_t> owner, std::optional<gid_t> group) {
  const fs::path target = target_of(path);
  struct stat status {};
  const bool there = ::stat(target.c_str(), &status) == 0;
  if (there) require_writable_kind(target, status);
  const mode_t new_mode = mode.value_or(there ? status.st_mode & 07777 : 0666 & ~caller_umask());
  replace_file(target, new_mode, owner.value_or(there ? status.st_uid : ::geteuid()),
               group.value_or(there ? status.st_gid : ::getegid()),
               [&](int fd) { write_all(fd, content, target.string()); });
}

void copy_one_file(const fs::path& from, const fs::path& to) {
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!source || ::fstat(source.get(), &status) != 0) failed("cannot read", from);
  require_writable_kind(from, status);
  const fs::path target = target_of(to);
  struct stat there {};
  if (::stat(target.c_str(), &there) == 0) {
    require_writable_kind(target, there);
    if (there.st_dev == status.st_dev && there.st_ino == status.st_ino) return;  // itself
  }
  replace_file(target, status.st_mode & 07777, ::geteuid(), ::getegid(),
               [&](int fd) { copy_bytes(source.get(), fd, from); });
}

void copy_tree(const fs::path& from, const fs::path& to) {
  struct stat status {};
  if (::stat(from.c_str(), &status) != 0) failed("cannot look at", from);
  const fs::path inside = fs::weakly_canonical(to).lexically_relative(fs::canonical(from));
  if (!inside.empty() && *inside.begin() != "..") {
    throw Error(Error::Kind::io, to.string() + " stands inside of " + from.string());
  }
  create_folder_at(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path target = to / entry.path().filename();
    if (entry.is_symlink()) {
      std::error_code ignored;
      if (!fs::is_directory(fs::symlink_status(target))) fs::remove(target, ignored);
      fs::copy_symlink(entry.path(), target);
    } else if (entry.is_directory()) {
      copy_tree(entry.path(), target);
    } else if (entry.is_regular_file()) {
      copy_one_file(entry.path(), target);
    }
  }
  if (::chmod(to.c_str(), status.st_mode & 07777) != 0) failed("cannot change the mode of", to);
}

void move_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  if (errno != EXDEV) failed("cannot move " + from.string() + " to", to);
  // Another file system: everything must be there before anything goes.
  fs::copy(from, to,
           fs::copy_options::recursive | fs::copy_options::copy_symlinks |
               fs::copy_options::overwrite_existing);
  struct stat status {};
  if (::lstat(from.c_str(), &status) == 0) {
    if (::lchown(to.c_str(), status.st_uid, status.st_gid) != 0) {
      failed("cannot change the owner of", to);
    }
  }
  remove_tree(from);
}

void remove_tree(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) failed("cannot delete", path);
  if (!S_ISDIR(status.st_mode)) {
    if (::unlink(path.c_str()) != 0) failed("cannot delete", path);
    return;
  }
  if (fs::canonical(path) == "/") throw Error(Error::Kind::io, "the root folder is not deleted");
  {
    const FileDescriptor folder(
        ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) failed("cannot open", path);
    remove_below(folder.get(), path, status.st_dev);
  }
  if (::rmdir(path.c_str()) != 0) failed("cannot delete", path);
}

void for_each_in_tree(const fs::path& path, bool recursive,
                      const std::function<void(int, bool)>& change) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) failed("cannot open", path);
  const bool is_folder = S_ISDIR(status.st_mode);
  if (recursive && is_folder) change_below(fd.get(), path, change);
  change(fd.get(), is_folder);
}

}  // namespace toehold
