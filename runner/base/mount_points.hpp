// What is mounted where, as the kernel tells in /proc/PID/mountinfo. Called by what looks at or
// mounts file systems; mounts nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toehold {

struct MountPoint {
  std::string point;   // absolute
  std::string device;  // "254:0"
  std::string root;    // which part of the file system: "/" is the whole
  std::string type;    // "ext4"
  std::string source;  // "/dev/vda", "tmpfs": what the file system is called
};

/// In the order of the text, the oldest first; lines that it does not understand are left out.
std::vector<MountPoint> parse_mountinfo(std::string_view text);

}  // namespace toehold
