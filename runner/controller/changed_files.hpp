// What one layer, or all of them, did to the files below: one record a file, with what a comparison
// needs. Called for the manifest of a build, and by `diff`.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/fields.hpp"
#include "runner/controller/overlay_tree.hpp"

namespace toehold {

struct ChangedFile {
  std::string path;                   // absolute, in the image
  std::string change;                 // "added", "changed", "removed"
  std::string type;                   // "file", "folder", "symlink", "device", "pipe", "socket"
  std::string mode;                   // octal, four digits
  std::string owner;                  // "0:0"
  std::optional<std::int64_t> size;   // of a file
  std::optional<std::string> sha256;  // of a file
  std::optional<std::string> target;  // of a symlink
};
const Fields<ChangedFile>& changed_file_fields();

/// What the uppermost layer of `stack` did, in byte order of the paths. A file that was only copied
/// up or touched is left out, and so is what is not known of one that is removed. Reads every
/// changed file once.
std::vector<ChangedFile> changed_files(const OverlayStack& stack, std::stop_token stop);

/// One list of several in order: what was added and then removed is not there.
std::vector<ChangedFile> net_changes(const std::vector<std::vector<ChangedFile>>& steps);

/// Same type, mode, owner and content, whatever became of it.
bool same_file(const ChangedFile& a, const ChangedFile& b);

}  // namespace toehold
