// What stands between this machine's root and a sandbox of an ordinary user on it: overlayfs cannot
// copy up what belongs to an owner who is not in the user namespace. So the folders, and the files
// that programs change in place, are there as root's of the namespace, and what the user cannot
// read is hidden. Called when the base `host` is prepared; reads this machine, writes the layer
// only.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>

namespace toehold {

/// Hides what is below a folder of a layer, in the way overlayfs is mounted here. Throws Error(io).
void mark_opaque(const std::filesystem::path& folder);

/// Fills the folder `layer`. `skip` says which paths, absolute, are seen to by somebody else.
/// Throws Error(io, cancelled).
void lay_skeleton(const std::filesystem::path& layer, const std::stop_token& stop,
                  const std::function<bool(const std::filesystem::path&)>& skip);

}  // namespace toehold
