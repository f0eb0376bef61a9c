// What a sandbox stands on: this machine's own root with what is private hidden, a folder, an
// unpacked tarball, or a Debian made by mmdebstrap; made once and kept beside the cache. Called by
// the sandbox provider.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/process.hpp"

namespace toehold {

struct SandboxBase {
  std::string folder;                         // "/" for this machine's root
  std::string key;                            // changes when it does
  std::vector<std::filesystem::path> layers;  // over it from the beginning, the newest first
};

/// `base`: "host", "mmdebstrap:SUITE", or the absolute path of a folder or tarball. `note` says
/// what takes long. Throws Error(io, usage, process).
SandboxBase prepare_base(const std::string& base, ProcessRunner& processes,
                         const std::function<void(const std::string&)>& note, std::stop_token stop);

/// False when prepare_base would have to make it first.
bool base_is_made(const std::string& base);

}  // namespace toehold
