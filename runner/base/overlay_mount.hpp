// Mounts one overlay: layers over a base, with or without a layer to write to, in the form that the
// layers of a build are kept in. Called while a sandbox's root is put together, in a mount
// namespace of its own; makes no layer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toehold {

struct OverlayMount {
  std::vector<std::string> layers;  // the newest first
  std::string lowest;               // below them all
  std::string upper;                // what is written goes here; empty: read-only
  std::string work;                 // overlayfs' own, on the same file system as `upper`
  std::string target;
};

/// `staging`: an existing folder of the caller's, in which short names for the layers are made; the
/// same one serves several mounts. Throws Error(io, unsupported) that says what this machine does
/// not allow.
void mount_overlay(const OverlayMount& overlay, const std::string& staging);

/// `folder` as it is, at a new place in `staging`: for one that layers lie below, which is not
/// taken as a base itself ("too many levels"). Returns the place.
std::string mount_stand_in(const std::string& folder, const std::string& staging);

/// What overlayfs as it is mounted here calls an attribute of its own: "trusted.overlay.opaque", or
/// "user.overlay.opaque" in a user namespace.
std::string overlay_attribute(std::string_view name);

}  // namespace toehold
