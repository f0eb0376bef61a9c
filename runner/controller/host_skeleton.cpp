#include "runner/controller/host_skeleton.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/overlay_mount.hpp"
#include "runner/base/user_namespace.hpp"

namespace toehold {

namespace {

// Below that, packages are unpacked into new folders.
constexpr int deepest_folder = 7;
constexpr off_t largest_copy = 64 << 20;  // a package database with thousands of packages

enum class Files { as_they_are, copied, hidden };
struct Treatment {
  Files here = Files::as_they_are;   // what is in the folder itself
  Files below = Files::as_they_are;  // and in those in it
};

/// Administration is edited in place; package databases keep a hard link of what they replace; logs
/// and caches are written again and again, and those of this machine belong to no image.
Treatment treatment_of(std::string_view folder, Files above) {
  if (folder == "etc") return {Files::copied, Files::copied};
  if (folder == "var/log" || folder == "var/cache") return {Files::hidden, Files::hidden};
  constexpr std::array<std::string_view, 8> databases{
      "var/lib/dpkg", "var/lib/dpkg/triggers", "var/lib/apt",          "var/cache/debconf",
      "var/lib/ucf",  "var/lib/rpm",           "usr/lib/sysimage/rpm", "lib/apk/db"};
  for (const std::string_view database : databases) {
    if (folder == database) return {Files::copied, Files::as_they_are};
  }
  return {above, above};
}

class Skeleton {
 public:
  Skeleton(fs::path layer, const std::stop_token& stop,
           const std::function<bool(const fs::path&)>& skip)
      : layer_(std::move(layer)), stop_(stop), skip_(skip) {
    struct stat status {};
    if (::stat("/", &status) != 0) throw Error::from_errno("cannot read /", errno);
    device_ = status.st_dev;
  }

  void fill(const std::string& path, int depth, Files above) {
    if (stop_.stop_requested()) throw Error(Error::Kind::cancelled, "interrupted");
    const Treatment treatment = treatment_of(path, above);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(("/" + path).c_str()), ::closedir);
    if (!folder) return;
    while (const dirent* item = ::readdir(folder.get())) {
      const std::string name = item->d_name;
      if (name == "." || name == ".." || item->d_type == DT_LNK) continue;
      struct stat status {};
      if (::fstatat(::dirfd(folder.get()), item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        continue;
      }
      // What is mounted there is no part of the base; what is the user's can be copied up.
      if (status.st_dev != device_ || !is_foreign(status)) continue;
      const std::string inside = path.empty() ? name : path + "/" + name;
      if (S_ISREG(status.st_mode)) {
        add_file(inside, status, treatment.here);
      } else if (S_ISDIR(status.st_mode) && !skip_("/" + inside)) {
        if (add_folder(inside, status.st_mode, depth)) fill(inside, depth + 1, treatment.below);
      }
    }
  }

 private:
  bool is_foreign(const struct stat& status) const {
    return status.st_uid == unknown_ || status.st_gid == unknown_;
  }

  /// False for one that cannot be looked into: nothing of it is there.
  bool add_folder(const std::string& path, mode_t mode, int depth) {
    const bool readable = ::access(("/" + path).c_str(), R_OK | X_OK) == 0;
    if (!readable || depth <= deepest_folder) make(path, mode);
    if (!readable) mark_opaque(layer_ / path);
    return readable;
  }

  /// With those above it.
  void make(const std::string& path, mode_t mode) {
    const fs::path place = layer_ / path;
    if (::mkdir(place.c_str(), 0700) != 0) {
      if (errno == EEXIST) return;
      if (errno != ENOENT) fail(place);
      make_parent(path);
      if (::mkdir(place.c_str(), 0700) != 0) fail(place);
    }
    if (::chmod(place.c_str(), mode & 07777) != 0) fail(place);
  }

  void make_parent(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return;
    const std::string parent = path.substr(0, slash);
    struct stat status {};
    if (::stat(("/" + parent).c_str(), &status) != 0) fail("/" + parent);
    make(parent, status.st_mode);
  }

  void add_file(const std::string& path, const struct stat& status, Files files) {
    const std::string on_host = "/" + path;
    const bool readable = (status.st_mode & S_IROTH) != 0 || ::access(on_host.c_str(), R_OK) == 0;
    if (!readable || files == Files::hidden) {
      make_parent(path);
      if (::mknod((layer_ / path).c_str(), S_IFCHR, makedev(0, 0)) != 0) fail(layer_ / path);
    } else if (files == Files::copied && status.st_size <= largest_copy) {
      copy(on_host, layer_ / path, status);
    }
  }

  void copy(const std::string& from, const fs::path& place, const struct stat& status) {
    make_parent(from.substr(1));
    const FileDescriptor to(
        ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!to) fail(place);
    write_all(to.get(), read_file(from, largest_copy), place.string());
    const timespec times[2] = {status.st_atim, status.st_mtim};
    if (::fchmod(to.get(), status.st_mode & 07777) != 0 || ::futimens(to.get(), times) != 0) {
      fail(place);
    }
  }

  [[noreturn]] static void fail(const fs::path& place) {
    throw Error::from_errno("cannot make " + place.string(), errno);
  }

  const fs::path layer_;
  const std::stop_token& stop_;
  const std::function<bool(const fs::path&)>& skip_;
  const std::uint32_t unknown_ = overflow_id();
  dev_t device_ = 0;
};

}  // namespace

void mark_opaque(const fs::path& folder) {
  if (::setxattr(folder.c_str(), overlay_attribute("opaque").c_str(), "y", 1, 0) != 0) {
    throw Error::from_errno("cannot mark " + folder.string() + " as empty", errno,
                            "its file system has to take extended attributes; set TOEHOLD_HOME to "
                            "a folder on another");
  }
}

void lay_skeleton(const fs::path& layer, const std::stop_token& stop,
                  const std::function<bool(const fs::path&)>& skip) {
  Skeleton(layer, stop, skip).fill("", 1, Files::as_they_are);
}

}  // namespace toehold
