// SandboxRoot: a file system of our own for one process and its children: layers of an overlay over
// a base, a fresh /proc, /dev, /run, private namespaces, and no way back out. Called by the agent's
// `act` before it runs a step for a sandbox; changes nothing that other processes see.
// Not a wall against hostile code: it shares the kernel, and unless offline the network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/base/fields.hpp"

namespace toehold {

struct SandboxRoot {
  std::string base;                 // the folder below all layers; "/" is this machine's own root
  std::vector<std::string> layers;  // upper folders of earlier steps, the newest first
  std::string upper;                // what is written goes here; empty: the root is read-only
  std::string work;                 // overlayfs' own, on the same file system as `upper`
  std::string mount_point;          // an existing empty folder; mounted on inside only
  std::vector<std::string> binds;   // "FROM:TO", or "FROM:TO:ro": folders of this machine
  bool offline = false;             // no network but loopback
};
const Fields<SandboxRoot>& sandbox_root_fields();

/// Moves the calling process into the root, as the first process of new namespaces: forks, and the
/// child returns 0 inside; the parent returns the child's end as an exit code (128 + signal) once
/// everything in there is gone. For root, be it of a user namespace. Call while there is only one
/// thread. Throws Error(io, unsupported) that says what this machine does not allow.
int enter_sandbox(const SandboxRoot& root, bool& inside);

}  // namespace toehold
