#include "runner/base/overlay_mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"

namespace toehold {

namespace {

[[noreturn]] void fail(const std::string& what, int reason, std::string hint = {}) {
  throw Error::from_errno(what, reason, std::move(hint));
}

/// A colon or comma in a path would end it in overlayfs' options.
std::string escaped(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

void make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) fail("cannot make " + path, errno);
}

/// A new folder of this name and the first number that is free.
std::string numbered_folder(const std::string& staging, const std::string& name) {
  for (std::size_t number = 0;; ++number) {
    const std::string path = staging + "/" + name + std::to_string(number);
    if (::mkdir(path.c_str(), 0755) == 0) return path;
    if (errno != EEXIST) fail("cannot make " + path, errno);
  }
}

/// Layers by their whole paths soon fill the one page that mount options may have; from inside of
/// the staging folder their names are short.
std::string lower_option(const OverlayMount& overlay, const std::string& staging) {
  const std::string names = numbered_folder(staging, "l");
  std::string option = "lowerdir=";
  std::size_t number = 0;
  for (const std::string& layer : overlay.layers) {
    const std::string name = names + "/" + std::to_string(number++);
    if (::symlink(layer.c_str(), name.c_str()) != 0) fail("cannot link " + layer, errno);
    option += name.substr(staging.size() + 1) + ":";
  }
  return option + escaped(overlay.lowest);
}

/// Names in the options are relative to `folder`.
int mount_from(const std::string& folder, const std::string& target, unsigned long flags,
               const std::string& options) {
  const FileDescriptor here(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (::chdir(folder.c_str()) != 0) fail("cannot enter " + folder, errno);
  const int result = ::mount("overlay", target.c_str(), "overlay", flags, options.c_str());
  const int reason = errno;
  if (here) (void)!::fchdir(here.get());
  return result == 0 ? 0 : reason;
}

}  // namespace

void mount_overlay(const OverlayMount& overlay, const std::string& staging) {
  std::string options = lower_option(overlay, staging);
  unsigned long flags = MS_NODEV;
  if (overlay.upper.empty()) {
    flags |= MS_RDONLY;
    if (overlay.layers.empty()) {  // an overlay without an upper layer needs two lower ones
      make_folder(staging + "/none", 0755);
      options.insert(std::string("lowerdir=").size(), "none:");
    }
  } else {
    // A sandbox is thrown away after a crash, so nothing has to be durable while it runs; the mark
    // of an earlier mount that could have lost something is in the way of a second one.
    std::error_code ignored;
    std::filesystem::remove_all(std::filesystem::path(overlay.work) / "work" / "incompat", ignored);
    options +=
        ",upperdir=" + escaped(overlay.upper) + ",workdir=" + escaped(overlay.work) + ",volatile";
  }
  // Layers are packed and moved, so they may not refer to one another.
  // With userxattr they cannot.
  const bool of_user = in_user_namespace();
  options += of_user ? ",index=off,userxattr" : ",redirect_dir=off,metacopy=off,index=off";
  if (options.size() > 4000) {
    throw Error(Error::Kind::unsupported,
                count_of(overlay.layers.size(), "layer") + " are more than can be mounted at once");
  }
  const int reason = mount_from(staging, overlay.target, flags, options);
  if (reason == 0) return;
  fail("cannot mount the sandbox's file system", reason,
       of_user && (reason == EPERM || reason == EACCES)
           ? "only root may do that here; run it as root"
           : "overlayfs has to be there (modprobe overlay), and the build folder may not itself be "
             "on an overlay: set TOEHOLD_HOME to a folder on a disk");
}

std::string mount_stand_in(const std::string& folder, const std::string& staging) {
  make_folder(staging + "/empty", 0755);
  const std::string place = numbered_folder(staging, "base");
  const std::string options = "lowerdir=" + escaped(staging + "/empty") + ":" + escaped(folder);
  const unsigned long flags = MS_RDONLY | MS_NODEV;
  if (::mount("overlay", place.c_str(), "overlay", flags, options.c_str()) != 0) {
    fail("cannot mount overlay at " + place, errno);
  }
  return place;
}

std::string overlay_attribute(std::string_view name) {
  return (in_user_namespace() ? "user.overlay." : "trusted.overlay.") + std::string(name);
}

}  // namespace toehold
