#include "runner/controller/image_draft.hpp"

namespace toehold {

namespace {
constexpr const char* owner = "images";  // in the place of a target's name
}

ImageDraft::ImageDraft(const fs::path& root, Inventory& inventory)
    : store_(root),
      inventory_(inventory),
      id_(store_.new_id()),
      folder_(root / id_),
      record_(inventory.plan(owner, "folder", folder_.string())) {
  store_.folder(id_);
  inventory_.set_state(record_, "created");
}

ImageDraft::~ImageDraft() {
  if (remove({record_, owner, "folder", folder_.string(), {}})) {
    inventory_.set_state(record_, "removed");
  }
}

void ImageDraft::put(const Manifest& manifest) {
  store_.put(manifest);
}

bool ImageDraft::is_draft(const InventoryRecord& record) {
  return record.provider == owner;
}

bool ImageDraft::remove(const InventoryRecord& record) {
  const fs::path folder = record.id;
  if (ImageStore::is_complete(folder)) return true;
  std::error_code error;
  fs::remove_all(folder, error);
  return !fs::exists(folder, error);
}

}  // namespace toehold
