// ChangedFile: what became of one file of a machine, with what a comparison needs. The reports of
// the agent and the manifests of builds have the same records; nothing here reads a file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/fields.hpp"

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

/// The record of a file with this `st_mode` and these owners: type, mode and owner are set.
ChangedFile file_record(std::string path, mode_t mode, uid_t user, gid_t group);

/// One list of several in order: what was added and then removed is not there.
std::vector<ChangedFile> net_changes(const std::vector<std::vector<ChangedFile>>& steps);

/// Same type, mode, owner and content, whatever became of it.
bool same_file(const ChangedFile& a, const ChangedFile& b);

}  // namespace toehold
