#include "runner/base/host_parts.hpp"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>

#include "runner/base/files.hpp"
#include "runner/base/overlay_mount.hpp"
#include "tests/support/catch.hpp"

namespace toehold {

TEST_CASE("The root is taken in parts without mounts, and folders are made for them") {
  const TempDirectory place(fs::temp_directory_path(), "toehold-test-");
  const fs::path layer = place.path() / "layer";
  const fs::path upper = place.path() / "upper";
  for (const fs::path& folder : {layer / "usr", layer / "srv", upper}) {
    fs::create_directories(folder);
  }
  fs::permissions(layer / "usr", fs::perms(0750));
  write_file_atomically(layer / "opt", "no folder any more");
  SandboxRoot root;
  root.base = "/";
  root.layers = {layer.string()};
  root.upper = upper.string();
  root.mount_point = place.path() / "mount";
  const bool can_hide =
      ::setxattr((layer / "srv").c_str(), overlay_attribute("opaque").c_str(), "y", 1, 0) == 0;
  const HostParts parts = plan_host_parts(root);

  const auto part = [&](const std::string& path) {
    return std::find_if(parts.parts.begin(), parts.parts.end(),
                        [&](const HostParts::Part& each) { return each.path == path; });
  };
  for (const char* none : {"", "proc", "dev", "opt"}) {
    INFO(none);
    CHECK(part(none) == parts.parts.end());
  }
  if (can_hide) CHECK(part("srv") == parts.parts.end());
  for (const HostParts::Part& each : parts.parts) {
    INFO(each.path);
    CHECK(fs::is_directory(upper / each.path));
    const bool in_layer = fs::exists(layer / each.path);
    CHECK(each.layers ==
          (in_layer ? std::vector<std::string>{layer / each.path} : std::vector<std::string>{}));
  }

  if (part("usr") == parts.parts.end() || part("var") == parts.parts.end() ||
      part("etc") == parts.parts.end()) {
    return;  // other things are mounted there on this machine
  }
  // As it looks above the machine's own.
  CHECK(fs::status(upper / "usr").permissions() == fs::perms(0750));

  // What a step did nothing to goes again.
  fs::create_directories(upper / "etc" / "mine");
  fs::permissions(upper / "usr", fs::perms(0700));
  const FileDescriptor folder(::open(upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  remove_unused_folders(parts, folder.get());
  CHECK(fs::exists(upper / "etc" / "mine"));
  CHECK(fs::exists(upper / "usr"));
  CHECK_FALSE(fs::exists(upper / "var"));
}

}  // namespace toehold
