#include "runner/base/host_parts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/mount_points.hpp"
#include "runner/base/overlay_mount.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr off_t largest_copy = 1 << 20;

[[noreturn]] void fail(const std::string& what) {
  throw Error::from_errno(what, errno);
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

struct InLayers {
  std::vector<std::string> folders;
  bool base_shows = true;  // no layer hides what the base has there
};

bool is_opaque(const std::string& folder) {
  char value = 0;
  return ::lgetxattr(folder.c_str(), overlay_attribute("opaque").c_str(), &value, 1) == 1 &&
         value == 'y';
}

class Planner {
 public:
  explicit Planner(const SandboxRoot& root) : root_(root) {
    for (const MountPoint& mount : parse_mountinfo(read_file("/proc/self/mountinfo", 64u << 20))) {
      mounts_.push_back(mount.point);
    }
  }

  HostParts plan() {
    split("");
    return std::move(plan_);
  }

 private:
  /// A folder that things are mounted below: what is in it is taken one by one.
  void split(const std::string& path) {
    const FileDescriptor folder(::open(("/" + path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return;
    for (const std::string& name : names_in(folder.get())) {
      take(path.empty() ? name : path + "/" + name);
    }
  }

  void take(const std::string& path) {
    const std::string on_host = "/" + path;
    struct stat status {};
    if (::lstat(on_host.c_str(), &status) != 0) return;
    HostParts::Between between{path, status.st_mode, {}};
    if (S_ISLNK(status.st_mode)) {
      std::error_code error;
      between.target = std::filesystem::read_symlink(on_host, error).string();
      if (!error) plan_.between.push_back(std::move(between));
      return;
    }
    if (S_ISREG(status.st_mode) && status.st_size <= largest_copy) {
      plan_.between.push_back(std::move(between));
      return;
    }
    if (!S_ISDIR(status.st_mode)) return;
    plan_.between.push_back(std::move(between));
    if (std::find(mounts_.begin(), mounts_.end(), on_host) != mounts_.end()) return;
    InLayers in_layers = look_into_layers(path);
    if (!in_layers.base_shows) return;  // then the overlay of what lies between shows all of it
    if (std::any_of(mounts_.begin(), mounts_.end(),
                    [&](const std::string& mount) { return is_below(mount, on_host); })) {
      return split(path);
    }
    if (!root_.upper.empty()) make_upper(path);
    plan_.parts.push_back({path, std::move(in_layers.folders)});
  }

  InLayers look_into_layers(const std::string& path) const {
    InLayers result;
    if (!root_.upper.empty()) look_into(root_.upper, path, result);
    result.folders.clear();  // what is in the upper folder is its own
    for (const std::string& layer : root_.layers) look_into(layer, path, result);
    return result;
  }

  static void look_into(const std::string& layer, const std::string& path, InLayers& result) {
    if (!result.base_shows) return;
    std::string at = layer;
    for (const std::string& name : toehold::split(path, '/')) {
      at += "/" + name;
      struct stat status {};
      if (::lstat(at.c_str(), &status) != 0) return;
      if (!S_ISDIR(status.st_mode) || is_opaque(at)) result.base_shows = false;
      if (!S_ISDIR(status.st_mode)) return;
    }
    result.folders.push_back(at);
  }

  /// As the folder looks before anything is written.
  void make_upper(const std::string& path) {
    const std::string place = root_.upper + "/" + path;
    struct stat status {};
    if (::lstat(place.c_str(), &status) == 0) return;
    if (path.find('/') != std::string::npos) make_upper(path.substr(0, path.rfind('/')));
    const InLayers in_layers = look_into_layers(path);
    const std::string shown = in_layers.folders.empty() ? "/" + path : in_layers.folders.front();
    if (::stat(shown.c_str(), &status) != 0) fail("cannot read " + shown);
    if (::mkdir(place.c_str(), 0700) != 0) fail("cannot make " + place);
    if (!in_layers.folders.empty() && ::chown(place.c_str(), status.st_uid, status.st_gid) != 0) {
      fail("cannot give " + place + " its owner");
    }
    if (::chmod(place.c_str(), status.st_mode & 07777) != 0) fail("cannot make " + place);
    if (::stat(place.c_str(), &status) != 0) fail("cannot read " + place);
    plan_.folders.push_back({path, status.st_mode, status.st_uid, status.st_gid});
  }

  const SandboxRoot& root_;
  std::vector<std::string> mounts_;
  HostParts plan_;
};

/// As far as this user may read it.
void copy_file(const std::string& from, const std::string& to, unsigned mode) {
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!source) return;
  const FileDescriptor copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!copy) fail("cannot make " + to);
  write_all(copy.get(), read_file(from, largest_copy), to);
  if (::fchmod(copy.get(), mode & 07777) != 0) fail("cannot make " + to);
}

void lay(const HostParts::Between& item, const std::string& place) {
  if (S_ISLNK(item.mode)) {
    if (::symlink(item.target.c_str(), place.c_str()) != 0) fail("cannot link " + place);
  } else if (S_ISDIR(item.mode)) {
    if (::mkdir(place.c_str(), 0700) != 0 || ::chmod(place.c_str(), item.mode & 07777) != 0) {
      fail("cannot make " + place);
    }
  } else {
    copy_file("/" + item.path, place, item.mode);
  }
}

bool holds_one_of(const std::string& folder, const SandboxRoot& root) {
  return is_below(root.upper, folder) || is_below(root.mount_point, folder) ||
         std::any_of(root.layers.begin(), root.layers.end(),
                     [&](const std::string& layer) { return is_below(layer, folder); });
}

/// Attributes but those of overlayfs.
bool has_attributes(int folder) {
  char names[1024];
  const ssize_t size = ::flistxattr(folder, names, sizeof names);
  if (size < 0) return errno == ERANGE;
  for (std::string_view rest(names, static_cast<std::size_t>(size)); !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('\0'));
    if (!name.starts_with("user.overlay.")) return true;
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return false;
}

bool is_as_made(int upper, const HostParts::Folder& made) {
  const FileDescriptor folder(
      ::openat(upper, made.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  return folder && ::fstat(folder.get(), &status) == 0 && status.st_mode == made.mode &&
         status.st_uid == made.user && status.st_gid == made.group && !has_attributes(folder.get());
}

}  // namespace

HostParts plan_host_parts(const SandboxRoot& root) {
  return Planner(root).plan();
}

void mount_host_parts(const HostParts& parts, const SandboxRoot& root, const std::string& staging,
                      const std::string& merged) {
  const std::string between = staging + "/between";
  if (::mkdir(between.c_str(), 0755) != 0) fail("cannot make " + between);
  for (const HostParts::Between& item : parts.between) lay(item, between + "/" + item.path);
  mount_overlay({root.layers, between, root.upper, root.work, merged}, staging);
  std::size_t number = 0;
  for (const HostParts::Part& part : parts.parts) {
    const std::string on_host = "/" + part.path;
    OverlayMount overlay;
    overlay.layers = part.layers;
    overlay.lowest = holds_one_of(on_host, root) ? mount_stand_in(on_host, staging) : on_host;
    overlay.target = merged + on_host;
    if (!root.upper.empty()) {
      overlay.upper = root.upper + on_host;
      overlay.work = root.work + "/part-" + std::to_string(number++);
      if (::mkdir(overlay.work.c_str(), 0700) != 0 && errno != EEXIST) {
        fail("cannot make " + overlay.work);
      }
    }
    mount_overlay(overlay, staging);
  }
}

void remove_unused_folders(const HostParts& parts, int upper) {
  for (auto made = parts.folders.rbegin(); made != parts.folders.rend(); ++made) {
    // Removing fails where a step has put something.
    if (is_as_made(upper, *made)) ::unlinkat(upper, made->path.c_str(), AT_REMOVEDIR);
  }
}

}  // namespace toehold
