#include "runner/controller/changed_files.hpp"

#include "runner/base/text.hpp"
#include "tests/support/layer_folders.hpp"

using namespace toehold;

namespace {

struct Layers {
  TempDirectory scratch{"/tmp", "toehold-test-"};
  LayerFolder base{scratch.path() / "base"};
  LayerFolder one{scratch.path() / "one"};
  LayerFolder two{scratch.path() / "two"};

  std::vector<ChangedFile> first() const {
    return changed_files({base.path(), {one.path()}, true}, {});
  }
  std::vector<ChangedFile> second() const {
    return changed_files({base.path(), {one.path(), two.path()}, true}, {});
  }
};

std::string shown(const std::vector<ChangedFile>& files) {
  std::vector<std::string> lines;
  for (const ChangedFile& file : files) lines.push_back(file.change + file.path);
  return join(lines, " ");
}

}  // namespace

TEST_CASE("a step's files are those that its layer added, changed and removed") {
  Layers layers;
  layers.base.file("etc/a", "old").file("etc/b", "gone").file("etc/c", "same").directory("opt");
  layers.one.file("etc/a", "new!").whiteout("etc/b").file("etc/new", "hello", 0600);
  layers.one.file("etc/c", "same", 0644, 1'800'000'000).symlink("etc/link", "new").directory("opt");
  layers.two.file("etc/a", "newer").whiteout("etc/new");
  const auto files = layers.first();
  CHECK(shown(files) == "changed/etc/a removed/etc/b added/etc/link added/etc/new");
  CHECK(files[3].mode == "0600");
  CHECK(files[3].size == 5);
  CHECK(files[3].sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  CHECK(files[2].target == "new");
  CHECK_FALSE(files[1].sha256);
  CHECK(shown(layers.second()) == "changed/etc/a removed/etc/new");
}

TEST_CASE("a change of mode alone is a change") {
  Layers layers;
  layers.base.file("a", "x", 0644).file("b", "x", 0644);
  layers.one.file("a", "x", 0600).file("b", "y", 0644);
  CHECK(shown(layers.first()) == "changed/a changed/b");
}

TEST_CASE("a folder that goes takes what is in it along") {
  Layers layers;
  layers.base.file("d/x/y", "").file("e/z", "").file("f/q", "").file("g/q", "");
  layers.one.whiteout("d").directory("e", true).file("e/new", "").file("f", "now a file");
  layers.one.symlink("g", "e");
  CHECK(shown(layers.first()) ==
        "removed/d removed/d/x removed/d/x/y added/e/new removed/e/z changed/f removed/f/q "
        "changed/g removed/g/q");
}

TEST_CASE("steps add up to what they changed of the parent") {
  const auto file = [](const char* path, const char* change, const char* sum) {
    ChangedFile result;
    result.path = path;
    result.change = change;
    result.type = "file";
    result.sha256 = sum;
    return result;
  };
  const auto net = net_changes({{file("/a", "added", "1"), file("/b", "changed", "1"),
                                 file("/c", "removed", ""), file("/d", "added", "1")},
                                {file("/a", "changed", "2"), file("/b", "removed", ""),
                                 file("/c", "added", "3"), file("/d", "removed", "")}});
  CHECK(shown(net) == "added/a removed/b changed/c");
  CHECK(net[0].sha256 == "2");
}
