// What belongs to one machine, or tells of its making, and does not go into an image: the list of
// Image Builder's clean-up, with the files by which a component switches parts of it off. Called
// before a snapshot is taken; runs no program of the guest.
// Source: "Required post-build clean up" in the Image Builder user guide.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/controller/overlay_tree.hpp"

namespace toehold {

/// One line of the list. `path` is absolute; a name in it may have `*`; `{work}` is the working
/// directory of the recipe.
struct CleanupRule {
  const char* path;
  bool only_emptied;      // the file stays, without content
  const char* skip_file;  // in the working directory: the rule is left out
};
const std::vector<CleanupRule>& cleanup_rules();

struct CleanupItem {
  std::string path;  // without the leading slash, through no symbolic link
  bool only_emptied = false;
};

/// What the rules find in the tree, in byte order; empty files that would be emptied are left out.
/// `working_directory`: of the recipe, absolute; empty: /tmp. Throws Error(io).
std::vector<CleanupItem> find_for_cleanup(const OverlayStack& stack,
                                          const std::string& working_directory);

/// Makes the overlay layer `folder`, which must not exist, that does it to the tree. Throws
/// Error(io).
void write_cleanup_layer(const OverlayStack& stack, const std::vector<CleanupItem>& items,
                         const std::filesystem::path& folder);

}  // namespace toehold
