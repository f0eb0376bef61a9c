// What a layer did to the files below: one record a file, with what a comparison needs. Called for
// the manifest of a build; mounts nothing.
#pragma once

#include <stop_token>
#include <vector>

#include "runner/base/changed_file.hpp"
#include "runner/controller/overlay_tree.hpp"

namespace toehold {

/// What the uppermost layer of `stack` did, in byte order of the paths. A file that was only copied
/// up or touched is left out, and so is what is not known of one that is removed. Reads every
/// changed file once.
std::vector<ChangedFile> changed_files(const OverlayStack& stack, std::stop_token stop);

}  // namespace toehold
