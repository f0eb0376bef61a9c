#include "runner/controller/image_draft.hpp"

#include "runner/base/error.hpp"

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
  // One that was put is remembered until the build says that it is delivered.
  const InventoryRecord record{record_, owner, "folder", folder_.string(), {}};
  if (is_whole(record)) return;
  try {
    if (remove(record)) inventory_.set_state(record_, "removed");
  } catch (const Error&) {
    // The disk is full; the record stays, and `toehold cleanup` comes to it.
  }
}

void ImageDraft::put(const Manifest& manifest) {
  store_.put(manifest);
}

std::optional<Manifest> ImageDraft::put_before(const Inventory& inventory) {
  for (const InventoryRecord& record : inventory.remaining()) {
    if (!is_whole(record)) continue;
    const fs::path folder = record.id;
    return ImageStore(folder.parent_path()).find(folder.filename().string());
  }
  return std::nullopt;
}

void ImageDraft::forget_put(Inventory& inventory) {
  for (const InventoryRecord& record : inventory.remaining()) {
    if (is_whole(record)) inventory.set_state(record.number, "removed");
  }
}

void ImageDraft::remove_halves(Inventory& inventory) {
  for (const InventoryRecord& record : inventory.remaining()) {
    const bool is_half = is_draft(record) && !is_whole(record);
    if (is_half && remove(record)) inventory.set_state(record.number, "removed");
  }
}

bool ImageDraft::is_draft(const InventoryRecord& record) {
  return record.provider == owner;
}

bool ImageDraft::is_whole(const InventoryRecord& record) {
  return is_draft(record) && ImageStore::is_complete(record.id);
}

bool ImageDraft::remove(const InventoryRecord& record) {
  const fs::path folder = record.id;
  if (ImageStore::is_complete(folder)) return true;
  std::error_code error;
  fs::remove_all(folder, error);
  return !fs::exists(folder, error);
}

void ImageDraft::take_back(const InventoryRecord& record) {
  const fs::path folder = record.id;
  const ImageStore store(folder.parent_path());
  store.remove(store.find_stored(folder.filename().string()));
}

}  // namespace toehold
