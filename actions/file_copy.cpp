#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>

#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

using Stat = struct stat;

FileDescriptor open_folder(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_errno("cannot open the folder", path);
  return fd;
}

FileDescriptor open_folder(const Entry& entry) {
  FileDescriptor fd(
      ::openat(entry.folder, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) throw_errno("cannot open the folder", entry.path);
  return fd;
}

/// One call for a whole tree, which is about to become the only copy.
void sync_file_system(int fd, const fs::path& path) {
  if (::syncfs(fd) != 0) throw_errno("cannot write", path);
}

void rename_entry(const Entry& from, const Entry& to) {
  if (::renameat(from.folder, from.name.c_str(), to.folder, to.name.c_str()) != 0) {
    throw_errno("cannot replace", to.path);
  }
}

/// Copies entries of folders. `exact` is for moves: owner, set-id bits, times and labels go along.
class Copier {
 public:
  Copier(bool exact, const StopCheck& stop) : exact_(exact), stop_(stop) {}

  void contents(int from, const fs::path& from_path, int to, const fs::path& to_path) const {
    for (const std::string& name : names_in(from, from_path)) {
      entry({from, name, from_path / name}, {to, name, to_path / name});
    }
  }

  void entry(const Entry& from, const Entry& to) const {
    stop_();
    Stat status{};
    if (!look_at(from, status)) throw_errno("cannot read", from.path, ENOENT);
    if (S_ISDIR(status.st_mode)) return folder(from, to, status);
    if (S_ISREG(status.st_mode)) return file(from, to);
    const Entry temporary = temporary_beside(to);
    try {
      if (S_ISLNK(status.st_mode)) {
        link(from, temporary);
      } else {
        node(temporary, status);
      }
      dress_unopened(temporary, status);
      rename_entry(temporary, to);
    } catch (...) {
      ::unlinkat(temporary.folder, temporary.name.c_str(), 0);
      throw;
    }
  }

 private:
  void folder(const Entry& from, const Entry& to, const Stat& status) const {
    const FileDescriptor source = open_folder(from);
    const bool made = ::mkdirat(to.folder, to.name.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) throw_errno("cannot create the folder", to.path);
    const FileDescriptor target = open_folder(to);
    if (made && !exact_) {
      Stat fresh{};
      if (::fstat(target.get(), &fresh) != 0) throw_errno("cannot look at", to.path);
      // At once, because a copy that goes on after a crash leaves folders that exist as they are.
      apply(target.get(), {{}, {}, (status.st_mode & 01777) | (fresh.st_mode & S_ISGID)}, to.path);
    }
    contents(source.get(), from.path, target.get(), to.path);
    if (exact_) dress(source.get(), target.get(), status, to.path);
  }

  void file(const Entry& from, const Entry& to) const {
    const FileDescriptor source(
        ::openat(from.folder, from.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    Stat status{};
    if (!source || ::fstat(source.get(), &status) != 0) throw_errno("cannot read", from.path);
    require_regular(from.path, status);
    NewFile target(to);
    if (!target) throw_errno("cannot create", to.path);
    copy_bytes(source.get(), target.fd(), from.path, stop_);
    Stat there{};
    const bool replaces = look_at(to, there);
    if (exact_) {
      dress(source.get(), target.fd(), status, to.path);
    } else if (replaces && S_ISREG(there.st_mode)) {
      apply(target.fd(), {there.st_uid, there.st_gid, there.st_mode & 07777}, to.path);
    } else {
      apply(target.fd(), {{}, {}, status.st_mode & 0777}, to.path);
    }
    // Nothing is lost with a new file that a power cut takes; with a replaced one all would be.
    if (replaces && ::fsync(target.fd()) != 0) throw_errno("cannot write", to.path);
    if (!target.put_in_place(true)) rewrite(source.get(), from, to);
  }

  /// The name of a mount point cannot be replaced, its content can: containers have such files.
  void rewrite(int source, const Entry& from, const Entry& to) const {
    const FileDescriptor target(::openat(to.folder, to.name.c_str(),
                                         O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (!target) throw_errno("cannot write", to.path);
    copy_bytes(source, target.get(), from.path, stop_);
    if (::fsync(target.get()) != 0) throw_errno("cannot write", to.path);
  }

  static void link(const Entry& from, const Entry& temporary) {
    std::array<char, PATH_MAX> text{};
    const ssize_t length =
        ::readlinkat(from.folder, from.name.c_str(), text.data(), text.size() - 1);
    if (length < 0) throw_errno("cannot read the link", from.path);
    if (::symlinkat(text.data(), temporary.folder, temporary.name.c_str()) != 0) {
      throw_errno("cannot create the link", temporary.path);
    }
  }

  /// Named pipes, sockets and devices are made again, as `cp -R` does.
  static void node(const Entry& temporary, const Stat& status) {
    const mode_t mode = (status.st_mode & S_IFMT) | (status.st_mode & 0777);
    if (::mknodat(temporary.folder, temporary.name.c_str(), mode, status.st_rdev) != 0) {
      throw_errno("cannot create", temporary.path);
    }
    if (::fchmodat(temporary.folder, temporary.name.c_str(), status.st_mode & 0777,
                   AT_SYMLINK_NOFOLLOW) != 0) {
      throw_errno("cannot change the mode of", temporary.path);
    }
  }

  void dress_unopened(const Entry& entry, const Stat& status) const {
    if (!exact_) return;
    const char* name = entry.name.c_str();
    if (::fchownat(entry.folder, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
      throw_errno("cannot change the owner of", entry.path);
    }
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ::utimensat(entry.folder, name, times.data(), AT_SYMLINK_NOFOLLOW);
  }

  static void dress(int from, int to, const Stat& status, const fs::path& path) {
    apply(to, {status.st_uid, status.st_gid, {}}, path);
    copy_labels(from, to, true);
    apply(to, {{}, {}, status.st_mode & 07777}, path);
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ::futimens(to, times.data());
  }

  bool exact_;
  const StopCheck& stop_;
};

/// Goes through both trees before anything is done: a folder does not replace a file nor a file a
/// folder, and a link inside the target is not followed.
void check_merge(int from, int to, const fs::path& from_path, const fs::path& to_path) {
  for (const std::string& name : names_in(from, from_path)) {
    const Entry source{from, name, from_path / name};
    const Entry target{to, name, to_path / name};
    Stat source_status{}, target_status{};
    if (!look_at(source, source_status) || !look_at(target, target_status)) continue;
    const bool source_is_folder = S_ISDIR(source_status.st_mode);
    if (source_is_folder != S_ISDIR(target_status.st_mode)) {
      throw Error(Error::Kind::io,
                  target.path.string() +
                      (source_is_folder ? " is in the way of a folder" : " is a folder") + ", " +
                      source.path.string() + " cannot take its place",
                  "delete or rename one of them first");
    }
    if (!source_is_folder) continue;
    const FileDescriptor source_folder = open_folder(source);
    const FileDescriptor target_folder = open_folder(target);
    check_merge(source_folder.get(), target_folder.get(), source.path, target.path);
  }
}

/// For what cannot be renamed: everything is there before anything goes.
void move_across(const Entry& from, const Entry& to, const StopCheck& stop) {
  Stat status{};
  if (!look_at(from, status)) throw_errno("cannot read", from.path, ENOENT);
  if (!S_ISDIR(status.st_mode)) {
    Copier(true, stop).entry(from, to);
    sync_file_system(to.folder, to.path);
    return remove_entry(from, [] {});
  }
  check_removable(from.path);
  const Entry temporary = temporary_beside(to);
  try {
    Copier(true, stop).entry(from, temporary);
    sync_file_system(to.folder, to.path);
    rename_entry(temporary, to);
  } catch (...) {
    if (look_at(temporary, status)) remove_entry(temporary, [] {});
    throw;
  }
  remove_entry(from, [] {});  // not to be stopped any more
}

void move_entry(const Entry& from, const Entry& to, const StopCheck& stop) {
  Stat source{}, target{};
  if (look_at(from, source) && look_at(to, target) && !S_ISDIR(source.st_mode) &&
      source.st_dev == target.st_dev && source.st_ino == target.st_ino) {
    // Two names of one file: rename would leave both.
    Stat from_folder{}, to_folder{};
    const bool same_name = from.name == to.name && ::fstat(from.folder, &from_folder) == 0 &&
                           ::fstat(to.folder, &to_folder) == 0 &&
                           from_folder.st_dev == to_folder.st_dev &&
                           from_folder.st_ino == to_folder.st_ino;
    if (!same_name && ::unlinkat(from.folder, from.name.c_str(), 0) != 0) {
      throw_errno("cannot delete", from.path);
    }
    return;
  }
  if (::renameat(from.folder, from.name.c_str(), to.folder, to.name.c_str()) == 0) return;
  const bool to_mount_point = errno == EBUSY && S_ISREG(source.st_mode) && S_ISREG(target.st_mode);
  if (errno == EXDEV || to_mount_point) return move_across(from, to, stop);
  throw_errno("cannot move " + from.path.string() + " to", to.path);
}

void move_contents(int from, int to, const fs::path& from_path, const fs::path& to_path,
                   const StopCheck& stop) {
  for (const std::string& name : names_in(from, from_path)) {
    stop();
    const Entry source{from, name, from_path / name};
    const Entry target{to, name, to_path / name};
    Stat source_status{}, target_status{};
    if (!look_at(source, source_status)) continue;
    if (!S_ISDIR(source_status.st_mode) || !look_at(target, target_status)) {
      move_entry(source, target, stop);
      continue;
    }
    const FileDescriptor source_folder = open_folder(source);
    const FileDescriptor target_folder = open_folder(target);
    move_contents(source_folder.get(), target_folder.get(), source.path, target.path, stop);
    if (::unlinkat(from, name.c_str(), AT_REMOVEDIR) != 0) {
      throw_errno("cannot delete", source.path);
    }
  }
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

void copy_tree(const TransferPair& pair, const StopCheck& stop) {
  const FileDescriptor from = open_folder(pair.from);
  create_parents(pair.to);
  Stat status{};
  if (::fstat(from.get(), &status) != 0) throw_errno("cannot look at", pair.from);
  Stat there{};
  if (::stat(pair.to.c_str(), &there) != 0) {
    create_folder_at(pair.to, {{}, {}, status.st_mode & 01777});
  }
  const FileDescriptor to = open_folder(pair.to);
  check_merge(from.get(), to.get(), pair.from, pair.to);
  Copier(false, stop).contents(from.get(), pair.from, to.get(), pair.to);
}

void move_path(const TransferPair& pair, const StopCheck& stop) {
  create_parents(pair.to);
  const FileDescriptor from = open_folder(parent_of(pair.from));
  const FileDescriptor to = open_folder(parent_of(pair.to));
  move_entry({from.get(), pair.from.filename().string(), pair.from},
             {to.get(), pair.to.filename().string(), pair.to}, stop);
  sync_directory(parent_of(pair.to));
  sync_directory(parent_of(pair.from));
}

void move_into(const TransferPair& pair, const StopCheck& stop) {
  {
    const FileDescriptor from = open_folder(pair.from);
    const FileDescriptor to = open_folder(pair.to);
    check_merge(from.get(), to.get(), pair.from, pair.to);
    move_contents(from.get(), to.get(), pair.from, pair.to, stop);
  }
  if (::rmdir(pair.from.c_str()) != 0) throw_errno("cannot delete", pair.from);
}

}  // namespace toehold
