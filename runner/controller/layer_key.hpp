// What decides a layer: the key of a step's result in the cache, and which steps have none because
// something outside of the sandbox decides what they do. Called by the sandbox; pure but for the
// fingerprints of folders.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/engine/action.hpp"

namespace toehold {

/// What all steps of a stage have in common.
struct LayerConditions {
  std::vector<std::pair<std::string, std::string>> environment;
  std::string working_directory;
  bool offline = false;
  std::vector<std::string> binds;  // with the fingerprints of the folders
};

/// SHA-256 in hex; `parent`: of the layer below.
std::string layer_key(const std::string& parent, const std::string& action, const Value& inputs,
                      const LayerConditions& conditions);

/// What went into a key, as short digests that can be compared one by one: "input 'commands'",
/// "the environment"; never a value.
Value key_parts(const Value& inputs, const LayerConditions& conditions);

/// Why the result of this step cannot be used again; empty when it can.
std::string why_not_cached(const std::string& action, const Value& inputs);

/// Changes when a file or folder below changes in name, kind, size, mode, owner or time; links are
/// not followed. `skip`: names directly in `folder` to leave out.
std::string folder_fingerprint(const std::filesystem::path& folder,
                               const std::vector<std::string>& skip = {});
/// Of this machine's root, by what packages and administrators change: /etc, /usr/local, /opt and
/// the packages' databases. What changes elsewhere by hand is not seen.
std::string host_fingerprint();

}  // namespace toehold
