// Folders for tests of overlay layers: files, links, whiteouts and opaque folders in few words.
// Everything is below a temporary folder and goes with it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "runner/base/files.hpp"
#include "runner/controller/overlay_tree.hpp"
#include "tests/support/catch.hpp"

namespace toehold {

class LayerFolder {
 public:
  explicit LayerFolder(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
  }
  const fs::path& path() const { return folder_; }

  LayerFolder& file(const std::string& name, const std::string& content, unsigned mode = 0644,
                    time_t time = 1'600'000'000) {
    const fs::path path = make_parent(name);
    std::ofstream(path) << content;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    set_time(path, time);
    return *this;
  }
  LayerFolder& directory(const std::string& name, bool opaque = false) {
    fs::create_directories(folder_ / name);
    if (opaque) attribute(name, "user.overlay.opaque", "y");
    return *this;
  }
  LayerFolder& attribute(const std::string& name, const char* attribute, const std::string& value) {
    const fs::path path = folder_ / name;
    REQUIRE(::setxattr(path.c_str(), attribute, value.data(), value.size(), 0) == 0);
    return *this;
  }
  LayerFolder& symlink(const std::string& name, const std::string& target) {
    fs::create_symlink(target, make_parent(name));
    return *this;
  }
  LayerFolder& hard_link(const std::string& name, const std::string& other) {
    fs::create_hard_link(folder_ / other, make_parent(name));
    return *this;
  }
  /// The kernel lets everybody make this one device.
  LayerFolder& whiteout(const std::string& name) {
    REQUIRE(::mknod(make_parent(name).c_str(), S_IFCHR | 0600, 0) == 0);
    return *this;
  }
  static void set_time(const fs::path& path, time_t time) {
    const timespec times[2] = {{time, 999}, {time, 999}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
  }

 private:
  fs::path make_parent(const std::string& name) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    return path;
  }

  fs::path folder_;
};

}  // namespace toehold
