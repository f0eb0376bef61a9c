#include "runner/controller/image_store.hpp"

#include <sys/stat.h>

#include <fstream>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/controller/image_diff.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

ChangedFile file(const std::string& path, const std::string& change, const std::string& sum,
                 const std::string& mode = "0644") {
  ChangedFile result;
  result.path = path;
  result.change = change;
  result.type = "file";
  result.mode = mode;
  result.owner = "0:0";
  result.size = 1;
  if (change != "removed") result.sha256 = sum;
  return result;
}

Manifest manifest(const std::string& id, const std::string& finished) {
  Manifest result;
  result.id = id;
  result.name = "web";
  result.version = "1.0.0";
  result.finished = finished;
  result.matrix = {{"SUITE", "bookworm"}};
  result.outputs = {{"rootfs", "/x.tar", "abc", 1000}, {"changes", "/y.tar", "def", 24}};
  result.documents = {{"a.yaml", "a", "00", {{"Port", "80"}}}};
  result.steps = {
      {"0/build/One", "build", "One", "success", true, 1.5, {file("/a", "added", "1")}}};
  result.packages_after = {"dpkg", {{"zlib1g", "1.2", "amd64"}}, ""};
  return result;
}

struct Store {
  TempDirectory scratch{"/tmp", "toehold-test-"};
  ImageStore store{scratch.path() / "images"};
};

}  // namespace

TEST_CASE("a manifest survives writing and reading") {
  const Manifest before = manifest("0123456789ab", "2026-01-01T00:00:00Z");
  const std::string text = to_json(to_value(before));
  CHECK(to_json(to_value(manifest_from(parse_json(text), "x"))) == text);
}

TEST_CASE("a manifest of a later version is read as far as it is known") {
  Value value = to_value(manifest("0123456789ab", ""));
  value.set("news", "x");
  value.find("steps")->list()[0].set("news", "x");
  CHECK(manifest_from(value, "x").steps[0].files[0].path == "/a");
  CHECK_THROWS_WITH(manifest_from(parse_json("{}"), "x.json"),
                    ContainsSubstring("x.json is no manifest"));
  CHECK_THROWS_AS(manifest_from(parse_json("[]"), "x.json"), Error);
}

TEST_CASE("secret parameters do not get into a manifest") {
  auto document = std::make_shared<Document>();
  document->source = std::make_shared<SourceText>("a.yaml", "x");
  const ManifestDocument made =
      manifest_document({document, "a.yaml", {{"DbPassword", "hunter22"}, {"Port", "80"}}});
  CHECK(made.parameters == Parameters{{"DbPassword", "***"}, {"Port", "80"}});
}

TEST_CASE("images are listed from the newest on") {
  const Store there;
  CHECK(there.store.list().empty());
  there.store.put(manifest("aaaa00000001", "2026-01-01T00:00:00Z"));
  there.store.put(manifest("bbbb00000002", "2026-02-01T00:00:00Z"));
  there.store.folder("cccc00000003");  // under way
  std::ofstream(there.store.folder("dddd00000004") / "image.json") << "{";
  const auto images = there.store.list();
  REQUIRE(images.size() == 2);
  CHECK(images[0].id == "bbbb00000002");
  CHECK(images[0].size == 1024);
  CHECK(images[0].matrix == "SUITE=bookworm");
  struct stat status {};
  REQUIRE(::stat((images[0].folder + "/manifest.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("an image is found by id, name, version and manifest") {
  const Store there;
  there.store.put(manifest("aaaa00000001", "2026-01-01T00:00:00Z"));
  there.store.put(manifest("aaaa11111111", "2026-02-01T00:00:00Z"));
  CHECK(there.store.find("aaaa00000001").id == "aaaa00000001");
  CHECK(there.store.find("aaaa0").id == "aaaa00000001");
  CHECK(there.store.find("web").id == "aaaa11111111");
  CHECK(there.store.find("web:1.0.0").id == "aaaa11111111");
  const auto folder = there.store.folder("aaaa00000001");
  CHECK(there.store.find(folder.string()).id == "aaaa00000001");
  CHECK(there.store.find((folder / "manifest.json").string()).id == "aaaa00000001");
  CHECK_THROWS_WITH(there.store.find("aaaa"), ContainsSubstring("more than one image"));
  CHECK_THROWS_WITH(there.store.find("wep"), ContainsSubstring("there is no image 'wep'"));
  there.store.remove(there.store.find_stored("web"));
  CHECK(there.store.find("web").id == "aaaa00000001");
}

TEST_CASE("images differ in packages") {
  Manifest a = manifest("a", ""), b = a;
  a.packages_after.packages = {{"gone", "1", ""}, {"libc6", "2.36", "amd64"}, {"same", "1", ""}};
  b.packages_after.packages = {
      {"libc6", "2.36", "amd64"}, {"libc6", "2.36", "i386"}, {"new", "3", ""}, {"same", "1", ""}};
  const auto packages = compare_images(a, b).packages;
  REQUIRE(packages.size() == 3);
  CHECK(packages[0].change == "removed");
  CHECK(packages[1].after == "2.36, 2.36");
  CHECK(packages[2].name == "new");
  CHECK(compare_images(a, a).none());
}

TEST_CASE("images differ in files, those of the parent included") {
  Manifest a = manifest("a", ""), b = a;
  a.steps[0].files = {file("/added-by-a", "added", "1"),
                      file("/both", "added", "1"),
                      file("/changed-by-a", "changed", "1"),
                      file("/mode", "added", "1", "0600"),
                      file("/removed-by-a", "removed", ""),
                      file("/removed-by-both", "removed", ""),
                      file("/same", "added", "1")};
  b.steps[0].files = {file("/added-by-b", "added", "1"), file("/both", "added", "2"),
                      file("/mode", "added", "1"), file("/removed-by-both", "removed", ""),
                      file("/same", "added", "1")};
  std::string shown;
  const ImageDifference difference = compare_images(a, b);
  for (const FileDifference& each : difference.files) {
    shown += each.change + each.path;
    for (const std::string& what : each.what) shown += " " + what;
    shown += "\n";
  }
  CHECK(shown ==
        "removed/added-by-a\nadded/added-by-b\nchanged/both content\nchanged/changed-by-a\n"
        "changed/mode mode\nadded/removed-by-a\n");
  CHECK(difference.note.empty());
  b.parent_id = "other";
  CHECK_THAT(compare_images(a, b).note, ContainsSubstring("different parents"));
}
