#include "runner/controller/tree_tar.hpp"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/log.hpp"

namespace toehold {

namespace {

constexpr std::size_t piece = 1 << 17;

/// What overlayfs and the policy of this machine put there is none of the image's business.
bool belongs_to_image(std::string_view name) {
  return !name.starts_with("trusted.") && !name.starts_with("user.overlay.") &&
         name != "security.selinux";
}

std::vector<std::pair<std::string, std::string>> attributes_of(const fs::path& path) {
  std::vector<std::pair<std::string, std::string>> result;
  const ssize_t size = ::llistxattr(path.c_str(), nullptr, 0);
  if (size <= 0) return result;  // or a file system without any
  std::string names(static_cast<std::size_t>(size), '\0');
  names.resize(static_cast<std::size_t>(
      std::max<ssize_t>(0, ::llistxattr(path.c_str(), names.data(), names.size()))));
  for (std::size_t at = 0; at < names.size();
       at += std::char_traits<char>::length(&names[at]) + 1) {
    const std::string name = &names[at];
    if (!belongs_to_image(name)) continue;
    std::string value(1 << 16, '\0');  // the kernel's limit
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (length < 0) {
      throw Error::from_errno("cannot read the attribute " + name + " of " + path.string(), errno);
    }
    value.resize(static_cast<std::size_t>(length));
    result.emplace_back(name, std::move(value));
  }
  std::sort(result.begin(), result.end());  // the kernel's order is the file system's
  return result;
}

FileDescriptor open_file(const fs::path& path) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
  FileDescriptor fd(::open(path.c_str(), flags | O_NOATIME));
  if (!fd && errno == EPERM) fd = FileDescriptor(::open(path.c_str(), flags));
  if (!fd) throw Error::from_errno("cannot read " + path.string(), errno);
  return fd;
}

std::size_t read_piece(int fd, std::string& buffer, const fs::path& path) {
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw Error::from_errno("cannot read " + path.string(), errno);
  }
}

void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(Error::Kind::cancelled, "stopped by a signal");
}

bool may_have_holes(const struct stat& status) {
  return status.st_size >= 1 << 20 && (status.st_blocks + 128) * 512 <= status.st_size;
}

/// What is not zeros. Found by reading, not by asking for holes: where a file system puts them is
/// not the same for the same file.
std::vector<std::pair<std::uint64_t, std::uint64_t>> data_of(const TreeEntry& entry,
                                                             const std::stop_token& stop) {
  constexpr std::size_t block = 4096;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
  const FileDescriptor fd = open_file(entry.on_disk);
  const auto size = static_cast<std::uint64_t>(entry.status.st_size);
  std::string buffer(piece, '\0');
  static const std::string zeros(block, '\0');
  std::uint64_t at = 0;
  // Only whole blocks of zeros are left out; SEEK_DATA merely saves reading what is known.
  while (at < size) {
    throw_if_stopped(stop);
    const off_t next = ::lseek(fd.get(), static_cast<off_t>(at), SEEK_DATA);
    if (next < 0) break;  // ENXIO: a hole up to the end
    at = static_cast<std::uint64_t>(next) / block * block;
    if (::lseek(fd.get(), static_cast<off_t>(at), SEEK_SET) < 0) break;
    const std::size_t count = read_piece(fd.get(), buffer, entry.on_disk);
    if (count == 0) break;
    for (std::size_t begin = 0; begin < count; begin += block) {
      const std::size_t length = std::min(block, count - begin);
      if (std::string_view(buffer).substr(begin, length) ==
          std::string_view(zeros).substr(0, length)) {
        continue;
      }
      const std::uint64_t offset = at + begin;
      if (!runs.empty() && runs.back().first + runs.back().second == offset) {
        runs.back().second += length;
      } else {
        runs.emplace_back(offset, length);
      }
    }
    at += count;
  }
  if (runs.empty()) runs.emplace_back(size, 0);  // nothing but a hole
  return runs;
}

}  // namespace

TreeTar::TreeTar(ByteSink sink, std::int64_t epoch, std::stop_token stop)
    : tar_(std::move(sink)), epoch_(epoch), stop_(std::move(stop)) {}

void TreeTar::add(const TreeEntry& entry) {
  throw_if_stopped(stop_);
  const struct stat& status = entry.status;
  if (S_ISSOCK(status.st_mode)) return;  // tar has none, and nobody listens
  TarEntry header;
  header.name = entry.path.empty() ? "./" : entry.path;
  if (S_ISDIR(status.st_mode) && !entry.path.empty()) header.name += '/';
  header.mode = status.st_mode;
  header.uid = status.st_uid;
  header.gid = status.st_gid;
  header.mtime = std::min<std::int64_t>(status.st_mtim.tv_sec, epoch_);
  header.device = status.st_rdev;
  if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
    const auto [first, added] =
        linked_.emplace(std::pair(status.st_dev, status.st_ino), entry.path);
    if (!added) {
      header.hard_link = first->second;
      tar_.begin(header);
      return;
    }
  }
  header.xattrs = attributes_of(entry.on_disk);
  if (S_ISLNK(status.st_mode)) {
    header.symlink = fs::read_symlink(entry.on_disk).string();
  } else if (S_ISREG(status.st_mode)) {
    header.size = static_cast<std::uint64_t>(status.st_size);
    if (may_have_holes(status)) header.data = data_of(entry, stop_);
    content(entry, header);
    return;
  }
  tar_.begin(header);
}

void TreeTar::content(const TreeEntry& entry, const TarEntry& header) {
  // Before the header goes out: a file that cannot be read leaves no half entry behind.
  const FileDescriptor fd = open_file(entry.on_disk);
  tar_.begin(header);
  std::string buffer(piece, '\0');
  std::uint64_t left = header.size;
  while (left > 0) {
    throw_if_stopped(stop_);
    const std::size_t count =
        std::min<std::uint64_t>(left, read_piece(fd.get(), buffer, entry.on_disk));
    if (count == 0) {
      throw Error(Error::Kind::io, entry.on_disk.string() + " became shorter while it was read");
    }
    tar_.write(std::string_view(buffer).substr(0, count));
    left -= count;
  }
}

void TreeTar::add_removed(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  marker(path.substr(0, name) + ".wh." + path.substr(name));
}

void TreeTar::add_opaque(const std::string& folder) {
  marker(folder + "/.wh..wh..opq");
}

void TreeTar::marker(const std::string& path) {
  TarEntry header;
  header.name = path;
  header.mode = S_IFREG | 0600;
  header.mtime = epoch_;
  tar_.add(header, "");
}

}  // namespace toehold
