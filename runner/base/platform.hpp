// What machine this is. Called for `context:` references, the journal and platform checks; reads
// the machine, never changes it.
#pragma once

#include <optional>
#include <string>

namespace toehold {

struct Platform {
  std::string os;          // "linux"
  std::string os_name;     // NAME of os-release
  std::string os_version;  // VERSION_ID of os-release
  std::string os_id;       // ID of os-release, and the words of ID_LIKE after it
  std::string hostname;
  std::string boot_id;  // changes with every boot; empty where the kernel gives none
  bool root = false;    // effective user 0
};

/// `root`: the folder that is the machine's root; empty: this machine's own. Name and version are
/// read there, the rest is always this machine's.
Platform read_platform(const std::string& root = {});
/// The path of a program in PATH, as execvp would find it.
std::optional<std::string> find_in_path(const std::string& name);
/// A new UUID: version 4 (random).
std::string new_uuid();
/// A new UUID of version 1 (time-based), the form of execution ids.
std::string new_time_uuid();

}  // namespace toehold
