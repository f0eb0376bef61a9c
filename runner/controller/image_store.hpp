// The images that were built on this machine: one folder each, with the manifest, a summary and the
// outputs that name no path of their own. Called by the build flow (put) and by `images` and `diff`
// (list, find); never builds anything.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/controller/manifest.hpp"

namespace toehold {

struct StoredImage {
  std::string id;
  std::string name;
  std::string version;
  std::string matrix;  // "SUITE=bookworm", or empty
  std::string target;
  std::string built;                 // UTC, RFC 3339
  std::vector<std::string> outputs;  // their kinds
  std::int64_t size = 0;             // of the outputs, in bytes
  std::string folder;
};
const Fields<StoredImage>& stored_image_fields();

class ImageStore {
 public:
  /// `root`: the folder of the store, usually `images` in state_base(); made when first needed.
  explicit ImageStore(std::filesystem::path root) : root_(std::move(root)) {}

  /// Whether the folder is that of an image, all of it.
  static bool is_complete(const std::filesystem::path& folder);
  /// 12 hex digits that no image has.
  std::string new_id() const;
  /// The image's own folder, 0700, made if it is not there: for outputs, before put().
  std::filesystem::path folder(const std::string& id) const;
  /// Writes manifest and summary; from then on the image is listed.
  void put(const Manifest& manifest) const;
  /// The newest first. What is not complete or cannot be read is left out.
  std::vector<StoredImage> list() const;
  /// By id or its beginning (4 digits at least), `name`, `name:version` (the newest), or the path
  /// of a manifest. Throws Error(usage) when there is none or more than one.
  Manifest find(const std::string& what) const;
  /// The same for images of the store alone.
  StoredImage find_stored(const std::string& what) const;
  /// Removes the folder with all that is in it.
  void remove(const StoredImage& image) const;

 private:
  std::filesystem::path root_;
};

/// Throws Error(io).
Manifest read_manifest(const std::filesystem::path& file);

}  // namespace toehold
