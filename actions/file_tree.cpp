#include "actions/file_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::array<std::string_view, 17> system_folders{
    "/",       "/bin",  "/boot", "/dev", "/etc",  "/home", "/lib", "/lib32", "/lib64",
    "/libx32", "/proc", "/root", "/run", "/sbin", "/sys",  "/usr", "/var"};

/// The mount points of this process, from a file that writes blanks as `\040`.
std::vector<fs::path> mount_points() {
  std::vector<fs::path> points;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    const auto words = split(line, ' ');
    if (words.size() < 5) continue;
    std::string path;
    for (std::size_t i = 0; i < words[4].size(); ++i) {
      if (words[4][i] == '\\' && i + 3 < words[4].size()) {
        path += static_cast<char>(std::stoi(words[4].substr(i + 1, 3), nullptr, 8));
        i += 3;
      } else {
        path += words[4][i];
      }
    }
    points.emplace_back(path);
  }
  return points;
}

fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path real = fs::canonical(path, error);
  if (error) throw_errno("cannot open", path, error.value());
  return real;
}

void remove_below(int folder, const fs::path& path, dev_t device, const StopCheck& stop) {
  for (const std::string& name : names_in(folder, path)) {
    stop();
    const Entry entry{folder, name, path / name};
    struct stat status {};
    if (!look_at(entry, status)) continue;
    if (!S_ISDIR(status.st_mode)) {
      if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) {
        throw_errno("cannot delete", entry.path);
      }
      continue;
    }
    const FileDescriptor below(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below || ::fstat(below.get(), &status) != 0) throw_errno("cannot open", entry.path);
    if (status.st_dev != device) {
      throw Error(Error::Kind::io, entry.path.string() + " is the root of another file system",
                  "unmount it first");
    }
    remove_below(below.get(), entry.path, device, stop);
    if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) {
      throw_errno("cannot delete", entry.path);
    }
  }
}

/// Neither changes the target of a link, whatever takes the entry's place in the meantime.
void change_entry(const Entry& entry, const struct stat& status, const Attributes& attributes) {
  const char* name = entry.name.c_str();
  const auto unchanged = static_cast<uid_t>(-1);
  if (attributes.owner || attributes.group) {
    if (::fchownat(entry.folder, name, attributes.owner.value_or(unchanged),
                   attributes.group.value_or(unchanged), AT_SYMLINK_NOFOLLOW) != 0) {
      throw_errno("cannot change the owner of", entry.path);
    }
  }
  const bool has_mode = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
  if (!attributes.mode || !has_mode) return;
  const FileDescriptor fd(
      ::openat(entry.folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  // Without the right to read it, the owner may still change the mode.
  const int result = fd ? ::fchmod(fd.get(), *attributes.mode)
                        : ::fchmodat(entry.folder, name, *attributes.mode, AT_SYMLINK_NOFOLLOW);
  if (result != 0) throw_errno("cannot change the mode of", entry.path);
}

void change_below(int folder, const fs::path& path, const Attributes& attributes,
                  const StopCheck& stop) {
  for (const std::string& name : names_in(folder, path)) {
    stop();
    const Entry entry{folder, name, path / name};
    struct stat status {};
    if (!look_at(entry, status)) continue;
    if (S_ISDIR(status.st_mode)) {
      const FileDescriptor below(
          ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!below) throw_errno("cannot open the folder", entry.path);
      // Contents first: a folder that loses its x bit could not be entered any more.
      change_below(below.get(), entry.path, attributes, stop);
    }
    change_entry(entry, status, attributes);
  }
}

}  // namespace

std::vector<std::string> names_in(int folder, const fs::path& path) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (!stream) {
    const int reason = errno;
    if (copy >= 0) ::close(copy);
    throw_errno("cannot read the folder", path, reason);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const int reason = errno;
  ::closedir(stream);
  if (reason != 0) throw_errno("cannot read the folder", path, reason);
  std::sort(names.begin(), names.end());
  return names;
}

void check_removable(const fs::path& path) {
  const fs::path real = real_path(path);
  if (std::find(system_folders.begin(), system_folders.end(), real.string()) !=
      system_folders.end()) {
    throw Error(Error::Kind::io, real.string() + " is a folder of the system and is not deleted");
  }
  for (const fs::path& point : mount_points()) {
    const fs::path inside = point.lexically_relative(real);
    if (inside.empty() || *inside.begin() == "..") continue;
    throw Error(Error::Kind::io,
                path.string() + " is not deleted: " + point.string() + " is mounted " +
                    (inside == "." ? "there" : "inside"),
                "unmount it first");
  }
}

void remove_entry(const Entry& entry, const StopCheck& stop) {
  struct stat status {};
  if (!look_at(entry, status)) throw_errno("cannot delete", entry.path, ENOENT);
  const bool is_folder = S_ISDIR(status.st_mode);
  if (is_folder) {
    const FileDescriptor folder(::openat(entry.folder, entry.name.c_str(),
                                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder || ::fstat(folder.get(), &status) != 0) throw_errno("cannot open", entry.path);
    remove_below(folder.get(), entry.path, status.st_dev, stop);
  }
  if (::unlinkat(entry.folder, entry.name.c_str(), is_folder ? AT_REMOVEDIR : 0) != 0) {
    throw_errno("cannot delete", entry.path);
  }
}

void remove_tree(const fs::path& path, const StopCheck& stop) {
  check_removable(path);
  const fs::path real = real_path(path);  // `.` and `..` have no name that could be deleted
  const FileDescriptor parent(
      ::open(real.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) throw_errno("cannot open the folder", real.parent_path());
  remove_entry({parent.get(), real.filename().string(), path}, stop);
}

void change_tree(const fs::path& path, Wanted wanted, bool recursive, const Attributes& attributes,
                 const StopCheck& stop) {
  // O_PATH: opening a device or a file that may not be read is no part of changing its owner.
  const FileDescriptor found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!found || ::fstat(found.get(), &status) != 0) throw_errno("cannot open", path);
  const bool is_folder = S_ISDIR(status.st_mode);
  if (is_folder != (wanted == Wanted::folders)) {
    throw Error(Error::Kind::io,
                path.string() + (is_folder ? " is a folder, not a file" : " is not a folder"),
                is_folder ? "the SetFolder actions change folders" : "the SetFile actions do");
  }
  if (recursive && real_path(path) == "/") {
    throw Error(Error::Kind::io, "everything below / is not changed at once",
                "name the folders, or set recursive: false");
  }
  if (recursive && is_folder) change_below(found.get(), path, attributes, stop);
  const auto unchanged = static_cast<uid_t>(-1);
  if (attributes.owner || attributes.group) {
    if (::fchownat(found.get(), "", attributes.owner.value_or(unchanged),
                   attributes.group.value_or(unchanged), AT_EMPTY_PATH) != 0) {
      throw_errno("cannot change the owner of", path);
    }
  }
  if (!attributes.mode) return;
  if (S_ISREG(status.st_mode) || is_folder) {
    const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat again {};
    if (fd && ::fstat(fd.get(), &again) == 0 && again.st_dev == status.st_dev &&
        again.st_ino == status.st_ino) {
      if (::fchmod(fd.get(), *attributes.mode) != 0) throw_errno("cannot change the mode of", path);
      return;
    }
  }
  const std::string same = "/proc/self/fd/" + std::to_string(found.get());
  if (::chmod(same.c_str(), *attributes.mode) != 0) throw_errno("cannot change the mode of", path);
}

}  // namespace toehold
