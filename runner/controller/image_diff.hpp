// What differs between two images, by their manifests: packages and files. Called by `diff`; reads
// no file of an image.
#pragma once

#include <string>
#include <vector>

#include "runner/controller/manifest.hpp"

namespace toehold {

/// Seen from the first image: "added" is only in the second.
struct PackageDifference {
  std::string name;
  std::string change;  // "added", "changed", "removed"
  std::string before;  // versions; several of one name parted by commas
  std::string after;
};

struct FileDifference {
  std::string path;
  std::string change;
  std::vector<std::string> what;      // of a changed one: "content", "mode", "owner", "type" ...
  std::optional<ChangedFile> before;  // nullopt: as in the parent, or not there
  std::optional<ChangedFile> after;
};

struct ImageDifference {
  std::vector<PackageDifference> packages;
  std::vector<FileDifference> files;
  std::string note;  // what could not be compared
  bool none() const { return packages.empty() && files.empty(); }
};

ImageDifference compare_images(const Manifest& a, const Manifest& b);
Value to_value(const ImageDifference& difference);

}  // namespace toehold
