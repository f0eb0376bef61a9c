// This machine's root as the base of a sandbox of an ordinary user. The kernel does not take a root
// that other things are mounted on as a layer from a user namespace, but each of its folders that
// has no mount below it: each is an overlay of its own, on an overlay of what lies between them.
// Called for the base "/" by SandboxRoot; reads the machine's files, and writes to the upper
// folder.
#pragma once

#include <string>
#include <vector>

#include "runner/base/sandbox_root.hpp"

namespace toehold {

struct HostParts {
  struct Part {
    std::string path;                 // "usr", "var/lib/dpkg"
    std::vector<std::string> layers;  // the folders of this name in the layers, the newest first
  };
  struct Between {
    std::string path;
    unsigned mode = 0;   // with the file type
    std::string target;  // of a symbolic link
  };
  struct Folder {
    std::string path;
    unsigned mode = 0, user = 0, group = 0;
  };
  std::vector<Part> parts;       // what is mounted, whole
  std::vector<Between> between;  // folders above the parts and what else is in these
  std::vector<Folder> folders;   // made in the upper folder for the parts, parents first
};

/// What is to be mounted; makes the folders for it in `root.upper`. As for root, what is mounted
/// below the root is no part of it, and left empty. Throws Error(io).
HostParts plan_host_parts(const SandboxRoot& root);

/// Mounts them at `merged`, an empty folder; `staging`: as of mount_overlay(). Throws Error(io).
void mount_host_parts(const HostParts& parts, const SandboxRoot& root, const std::string& staging,
                      const std::string& merged);

/// Removes the folders that were made for nothing: those that a step left as they were. `upper`:
/// the upper folder, opened before the sandbox was entered.
void remove_unused_folders(const HostParts& parts, int upper);

}  // namespace toehold
