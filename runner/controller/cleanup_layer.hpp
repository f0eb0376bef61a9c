// The clean-up of a guest whose files are folders on this machine: what is found in them, and an
// overlay layer that takes it away. Called by the sandbox before a snapshot is taken.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/agent/guest_cleanup.hpp"
#include "runner/controller/overlay_tree.hpp"

namespace toehold {

/// As of the agent's clean-up, in the tree.
std::vector<CleanupItem> find_for_cleanup(const OverlayStack& stack,
                                          const std::string& working_directory);

/// Makes the overlay layer `folder`, which must not exist, that does it to the tree. Throws
/// Error(io).
void write_cleanup_layer(const OverlayStack& stack, const std::vector<CleanupItem>& items,
                         const std::filesystem::path& folder);

}  // namespace toehold
