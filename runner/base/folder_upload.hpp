// A folder as objects of a store: their keys, and what is to be put there. Called where logs go to
// S3; sends nothing itself.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/base/object_store.hpp"

namespace toehold {

/// `prefix` without slashes at its ends, and `name` below it: "a/b" and "c" are "a/b/c".
std::string object_key(std::string prefix, const std::string& name);
/// The regular files below `folder`, to be put below `to`. One that grows is uploaded as long as it
/// is when its turn comes. Throws Error(io).
std::vector<ObjectUpload> uploads_of(const std::filesystem::path& folder, const ObjectAddress& to);

}  // namespace toehold
