// ImageDraft: an image of the store while it is written. It is in the build's inventory first, so
// that half of one is removed, by the build itself or by `toehold cleanup`. Called by build_image
// and by cleanup; a whole image stays, unless what it tells of is taken away.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "runner/controller/image_store.hpp"
#include "runner/controller/inventory.hpp"

namespace toehold {

class ImageDraft {
 public:
  /// Under a new id of the store that is in `root`. Throws Error(io).
  ImageDraft(const std::filesystem::path& root, Inventory& inventory);
  /// Removes it unless it was put: then forget_put() ends what is known of it.
  ~ImageDraft();
  ImageDraft(const ImageDraft&) = delete;
  ImageDraft& operator=(const ImageDraft&) = delete;

  const std::string& id() const { return id_; }
  const std::filesystem::path& folder() const { return folder_; }
  void put(const Manifest& manifest);

  /// What an earlier process of the build has put, if it was killed right after that.
  static std::optional<Manifest> put_before(const Inventory& inventory);
  /// The records of that are done with.
  static void forget_put(Inventory& inventory);
  /// What an earlier process was killed in the middle of.
  static void remove_halves(Inventory& inventory);

  /// Whether the record is one of ours rather than a provider's.
  static bool is_draft(const InventoryRecord& record);
  /// Whether it is one of ours, and that was put.
  static bool is_whole(const InventoryRecord& record);
  /// True when no half image is there any more.
  static bool remove(const InventoryRecord& record);
  /// Of one that was put: it is not listed any more, and its folder goes. Throws Error(io).
  static void take_back(const InventoryRecord& record);

 private:
  const ImageStore store_;
  Inventory& inventory_;
  const std::string id_;
  const std::filesystem::path folder_;
  const std::int64_t record_;
};

}  // namespace toehold
