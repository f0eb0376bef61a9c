#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"

namespace toehold {

namespace {

constexpr int most_links = 40;  // as the kernel follows

bool is_shared_folder(const struct stat& folder) {
  return (folder.st_mode & S_ISVTX) != 0 && (folder.st_mode & S_IWOTH) != 0;
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool in_shared_folder(const fs::path& path) {
  struct stat folder {};
  return ::stat(parent_of(path).c_str(), &folder) == 0 && is_shared_folder(folder);
}

/// Where everybody may make files, somebody else's link is a trap. The kernel refuses to follow it
/// (fs.protected_symlinks), so must we, who read links ourselves.
void refuse_foreign_link(const fs::path& link, const struct stat& status) {
  struct stat folder {};
  if (::stat(parent_of(link).c_str(), &folder) != 0 || !is_shared_folder(folder)) return;
  if (status.st_uid == ::geteuid() || status.st_uid == folder.st_uid) return;
  throw Error(Error::Kind::io,
              link.string() + " is a link that user " + std::to_string(status.st_uid) +
                  " has put into a folder that everybody can write",
              "delete it first, or use a folder of your own");
}

/// What a write to `path` changes: the target of a link, even of one that points to nothing yet.
fs::path target_of(const fs::path& path) {
  fs::path at = path;
  for (int links = 0; links < most_links; ++links) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return at;
    refuse_foreign_link(at, status);
    std::error_code error;
    const fs::path next = fs::read_symlink(at, error);
    if (error) throw_errno("cannot read the link", at, error.value());
    at = next.is_absolute() ? next : at.parent_path() / next;
  }
  throw_errno("cannot write", path, ELOOP);
}

struct Replacement {
  mode_t new_mode = 0;  // of a file that was not there
  Attributes attributes;
  bool overwrite = true;
  std::function<void(int fd)> fill;
};

void write_in_place(const fs::path& target, const Replacement& replacement) {
  const FileDescriptor fd(
      ::open(target.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw_errno("cannot write", target);
  replacement.fill(fd.get());
  apply(fd.get(), replacement.attributes, target);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) throw_errno("cannot write", target);
}

/// Whether the folder, not the file, is what refused: /proc, read-only folders, mount points.
bool folder_refuses(int reason) {
  return reason == EACCES || reason == EPERM || reason == ENOENT || reason == EROFS ||
         reason == EBUSY;
}

/// Owner, mode and labels of what is replaced, or the defaults.
void dress(int fd, const fs::path& target, const struct stat* there,
           const Replacement& replacement) {
  Attributes attributes = replacement.attributes;
  // In a shared folder it could be somebody's who waits for our content: then it becomes ours.
  const bool trusted = there && (there->st_uid == ::geteuid() || !in_shared_folder(target));
  if (trusted) {
    if (!attributes.owner) attributes.owner = there->st_uid;
    if (!attributes.group) attributes.group = there->st_gid;
    if (!attributes.mode) attributes.mode = there->st_mode & 07777;
    const FileDescriptor old(::open(target.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (old) copy_labels(old.get(), fd, false);
  }
  if (!attributes.mode) attributes.mode = replacement.new_mode;
  apply(fd, attributes, target);
}

/// A user cannot give a new file to the owner of the old one, but may be let write the old one.
bool must_write_in_place(const fs::path& target, const struct stat& there) {
  const bool foreign = ::geteuid() != 0 && there.st_uid != ::geteuid();
  return foreign && !in_shared_folder(target);
}

void replace_file(const fs::path& path, const Replacement& replacement) {
  struct stat status {};
  if (!replacement.overwrite && ::lstat(path.c_str(), &status) == 0) refuse_to_overwrite(path);
  const fs::path target = target_of(path);
  const bool there = ::lstat(target.c_str(), &status) == 0;
  if (there) require_regular(target, status);
  if (there && must_write_in_place(target, status)) return write_in_place(target, replacement);
  const fs::path parent = parent_of(target);
  const FileDescriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) throw_errno("cannot open the folder", parent);
  const Entry entry{folder.get(), target.filename().string(), target};
  NewFile file(entry);
  if (!file) {
    if (there && folder_refuses(errno)) return write_in_place(target, replacement);
    throw_errno("cannot create", target);
  }
  replacement.fill(file.fd());
  dress(file.fd(), target, there ? &status : nullptr, replacement);
  if (::fsync(file.fd()) != 0) throw_errno("cannot write", target);
  if (!file.put_in_place(replacement.overwrite)) return write_in_place(target, replacement);
  sync_directory(parent);
}

/// Our own umask is narrower than the caller's; the set-gid bit comes from the folder above.
mode_t new_folder_mode(const struct stat& fresh) {
  return (fresh.st_mode & S_ISGID) | (0777 & ~caller_umask());
}

}  // namespace

std::unique_ptr<IncomingFile> IncomingFile::at(const fs::path& path, bool overwrite) {
  struct stat status {};
  if (!overwrite && ::lstat(path.c_str(), &status) == 0) refuse_to_overwrite(path);
  const fs::path target = target_of(path);
  const fs::path parent = parent_of(target);
  FileDescriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) throw_errno("cannot open the folder", parent);
  return std::make_unique<IncomingFile>(std::move(folder), target, overwrite);
}

IncomingFile::IncomingFile(FileDescriptor folder, const fs::path& path, bool overwrite)
    : folder_(std::move(folder)),
      entry_{folder_.get(), path.filename().string(), path},
      overwrite_(overwrite),
      file_(entry_) {
  if (!file_) throw_errno("cannot create", path);
  struct stat there {};
  if (!look_at(entry_, there)) return;
  if (!overwrite) refuse_to_overwrite(path);
  if (!S_ISLNK(there.st_mode)) require_regular(path, there);
}

void IncomingFile::put_in_place(bool durable) {
  struct stat there {};
  const bool replaces = look_at(entry_, there) && S_ISREG(there.st_mode);
  const Replacement in_place{
      0, {}, overwrite_, [this](int fd) { copy_bytes(file_.fd(), fd, entry_.path, [] {}); }};
  if (replaces && must_write_in_place(entry_.path, there)) {
    return write_in_place(entry_.path, in_place);
  }
  dress(file_.fd(), entry_.path, replaces ? &there : nullptr,
        {0666 & ~caller_umask(), {}, overwrite_, {}});
  if (durable && ::fsync(file_.fd()) != 0) throw_errno("cannot write", entry_.path);
  if (!file_.put_in_place(overwrite_)) return write_in_place(entry_.path, in_place);
  if (durable) sync_directory(parent_of(entry_.path));
}

StopCheck stop_check(const ActionContext& context) {
  return [&context] {
    if (context.stop.stop_requested()) throw Error(Error::Kind::cancelled, "cancelled");
    if (context.deadline.passed(context.clock.monotonic())) {
      throw Error(Error::Kind::timeout, "timed out");
    }
  };
}

void create_folder_at(const fs::path& path, const Attributes& attributes) {
  struct stat status {};
  const bool there = ::stat(path.c_str(), &status) == 0;
  if (there && !S_ISDIR(status.st_mode)) {
    throw Error(Error::Kind::io, path.string() + " exists and is not a folder");
  }
  bool made = false;
  if (!there) {
    create_parents(path);
    made = ::mkdir(path.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) throw_errno("cannot create the folder", path);
  }
  const bool changes = attributes.owner || attributes.group || attributes.mode;
  if (there && !changes) return;
  // A folder of ours that was swapped for a link in the meantime is not touched.
  const FileDescriptor fd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0)));
  if (!fd || ::fstat(fd.get(), &status) != 0) throw_errno("cannot open the folder", path);
  Attributes wanted = attributes;
  if (made && !wanted.mode) {
    wanted.mode = new_folder_mode(status);
  }
  try {
    apply(fd.get(), wanted, path);
  } catch (...) {
    if (made) ::rmdir(path.c_str());
    throw;
  }
}

FileDescriptor create_folder_below(int folder, const std::string& name, const fs::path& path) {
  FileDescriptor at(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  fs::path here = path;
  for (const fs::path& part : fs::path(name)) {
    here /= part;
    const bool made = ::mkdirat(at.get(), part.c_str(), 0777) == 0;
    if (!made && errno != EEXIST) throw_errno("cannot create the folder", here);
    FileDescriptor next(
        ::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next && (errno == ELOOP || errno == ENOTDIR)) {
      throw Error(Error::Kind::io, here.string() + " is in the way of a folder",
                  "delete or rename it first");
    }
    struct stat status {};
    if (!next || ::fstat(next.get(), &status) != 0) throw_errno("cannot open the folder", here);
    if (made) apply(next.get(), {{}, {}, new_folder_mode(status)}, here);
    at = std::move(next);
  }
  return at;
}

void create_parents(const fs::path& path) {
  const fs::path parent = path.parent_path();
  if (!parent.empty() && parent != path) create_folder_at(parent);
}

std::string read_document_file(const fs::path& path, std::size_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) throw_errno("cannot read", path);
  require_regular(path, status);
  std::string content;
  std::string buffer(1 << 16, '\0');
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("cannot read", path);
    if (count == 0) return content;
    content.append(buffer, 0, static_cast<std::size_t>(count));
    if (content.size() > limit) {
      throw Error(Error::Kind::io, path.string() + " is larger than " + format_size(limit),
                  "ExecuteBash can work on it piece by piece");
    }
  }
}

void write_document_file(const fs::path& path, std::string_view content,
                         const Attributes& attributes, bool overwrite) {
  replace_file(path, {0666 & ~caller_umask(), attributes, overwrite,
                      [&](int fd) { write_all(fd, content, path.string()); }});
}

void copy_one_file(const fs::path& from, const fs::path& to, bool overwrite,
                   const StopCheck& stop) {
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!source || ::fstat(source.get(), &status) != 0) throw_errno("cannot read", from);
  require_regular(from, status);
  struct stat there {};
  if (overwrite && ::stat(to.c_str(), &there) == 0 && there.st_dev == status.st_dev &&
      there.st_ino == status.st_ino) {
    return;  // onto itself
  }
  replace_file(to, {status.st_mode & 0777, {}, overwrite, [&](int fd) {
                      copy_bytes(source.get(), fd, from, stop);
                    }});
}

}  // namespace toehold
