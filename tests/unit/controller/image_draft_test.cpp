#include "runner/controller/image_draft.hpp"

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE(
    "an image that was put by a killed process is found by the next one, half of one is not") {
  const TempDirectory folder(fs::temp_directory_path(), "draft-");
  Inventory inventory(folder.path() / "inventory.jsonl");
  const ImageStore store(folder.path() / "images");
  const std::string id = store.new_id();
  const auto record = inventory.plan("images", "folder", (folder.path() / "images" / id).string());
  inventory.set_state(record, "created");
  store.folder(id);
  CHECK_FALSE(ImageDraft::put_before(inventory));

  Manifest manifest;
  manifest.id = id;
  manifest.name = "web";
  manifest.version = "1.0.0";
  store.put(manifest);
  const auto found = ImageDraft::put_before(inventory);
  REQUIRE(found);
  CHECK(found->id == id);
  ImageDraft::forget_put(inventory);
  CHECK(inventory.remaining().empty());
  CHECK_FALSE(ImageDraft::put_before(inventory));
}

TEST_CASE("the half of an image that a killed process has left is removed, and a whole one stays") {
  const TempDirectory folder(fs::temp_directory_path(), "draft-");
  Inventory inventory(folder.path() / "inventory.jsonl");
  const ImageStore store(folder.path() / "images");
  const auto half = folder.path() / "images" / store.new_id();
  inventory.plan("images", "folder", half.string());
  inventory.plan("images", "folder", (folder.path() / "images" / store.new_id()).string());
  make_private_directory(half);
  Manifest manifest;
  manifest.id = store.new_id();
  manifest.name = "web";
  manifest.version = "1.0.0";
  const auto whole = folder.path() / "images" / manifest.id;
  inventory.plan("images", "folder", whole.string());
  store.folder(manifest.id);
  store.put(manifest);

  ImageDraft::remove_halves(inventory);
  CHECK_FALSE(fs::exists(half));
  REQUIRE(inventory.remaining().size() == 1);
  CHECK(inventory.remaining()[0].id == whole.string());
  CHECK(store.find(manifest.id).id == manifest.id);
}

TEST_CASE("a whole image whose thing is taken away is not listed any more") {
  const TempDirectory folder(fs::temp_directory_path(), "draft-");
  Inventory inventory(folder.path() / "inventory.jsonl");
  const ImageStore store(folder.path() / "images");
  Manifest manifest;
  manifest.id = store.new_id();
  manifest.name = "web";
  manifest.version = "1.0.0";
  inventory.plan("images", "folder", store.folder(manifest.id).string());
  store.put(manifest);
  REQUIRE(store.list().size() == 1);

  ImageDraft::take_back(inventory.remaining()[0]);
  CHECK(store.list().empty());
  CHECK(fs::is_empty(folder.path() / "images"));
}
