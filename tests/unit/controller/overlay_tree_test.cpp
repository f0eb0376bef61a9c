#include "runner/controller/overlay_tree.hpp"

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "tests/support/layer_folders.hpp"

using namespace toehold;

namespace {

struct Layers {
  TempDirectory scratch{"/tmp", "toehold-test-"};
  LayerFolder base{scratch.path() / "base"};
  LayerFolder one{scratch.path() / "one"};
  LayerFolder two{scratch.path() / "two"};

  OverlayStack stack() const { return {base.path(), {one.path(), two.path()}, true}; }
  OverlayStack without_base() const { return {{}, {one.path(), two.path()}, true}; }
};

/// "path" of what can be seen, with the first line of files: "etc etc/a=x".
std::string tree(const OverlayStack& stack) {
  std::vector<std::string> lines;
  walk_tree(stack,
            [&](const TreeEntry& entry) {
              std::string line = entry.path;
              if (S_ISREG(entry.status.st_mode)) line += "=" + read_file(entry.on_disk);
              if (!entry.path.empty()) lines.push_back(line);
            },
            {});
  return join(lines, " ");
}

/// "+path", "-path", "!path" for entries, what is gone, and opaque folders.
std::string changes(const OverlayStack& stack) {
  std::vector<std::string> lines;
  ChangeVisitor visitor;
  visitor.entry = [&](const TreeEntry& entry) { lines.push_back("+" + entry.path); };
  visitor.removed = [&](const std::string& path) { lines.push_back("-" + path); };
  visitor.opaque = [&](const std::string& path) { lines.push_back("!" + path); };
  walk_changes(stack, visitor, {});
  return join(lines, " ");
}

}  // namespace

TEST_CASE("layers show over their base, the uppermost first") {
  Layers layers;
  layers.base.file("etc/a", "base").file("etc/b", "base").file("usr/c", "base");
  layers.one.file("etc/a", "one").file("etc/d", "one");
  layers.two.file("etc/a", "two");
  CHECK(tree(layers.stack()) == "etc etc/a=two etc/b=base etc/d=one usr usr/c=base");
  CHECK(changes(layers.stack()) == "+etc +etc/a +etc/d");
}

TEST_CASE("whiteouts hide what is below them, and only what is there is gone") {
  Layers layers;
  layers.base.file("a", "base").file("d/x", "base");
  layers.one.whiteout("a").whiteout("d").file("new", "one");
  layers.two.whiteout("new").whiteout("never");
  CHECK(tree(layers.stack()).empty());
  CHECK(changes(layers.stack()) == "-a -d");
  CHECK(changes(layers.without_base()) == "-a -d -never -new");
}

TEST_CASE("a folder made anew shows nothing of the old one") {
  Layers layers;
  layers.base.file("d/x", "base").file("e/x", "base").file("f/x", "base").file("g", "file");
  layers.one.directory("d", true).file("d/y", "one").whiteout("e").file("f", "a file");
  layers.two.file("e/z", "two").file("f/z", "two").file("d/w", "two").directory("g");
  CHECK(tree(layers.stack()) == "d d/w=two d/y=one e e/z=two f f/z=two g");
  CHECK(changes(layers.stack()) == "+d !d +d/w +d/y +e !e +e/z +f !f +f/z +g");
  CHECK(tree(layers.without_base()) == "d d/w=two d/y=one e e/z=two f f/z=two g");
  CHECK_THAT(changes(layers.without_base()), ContainsSubstring("+d !d"));
}

TEST_CASE("layers that belong to the base are no changes") {
  Layers layers;
  layers.base.file("a", "base").file("b", "base").file("d/x", "base");
  layers.one.whiteout("a").directory("d", true).file("c", "one");
  layers.two.whiteout("a").whiteout("b").whiteout("c").file("d/y", "two");
  OverlayStack stack = layers.stack();
  stack.base_layers = 1;
  CHECK(changes(stack) == "-b -c +d +d/y");
  stack.base_layers = 2;
  CHECK(changes(stack).empty());
}

TEST_CASE("the attributes of the other kind of mount mean nothing") {
  Layers layers;
  layers.base.file("d/x", "base");
  layers.one.directory("d", true);
  OverlayStack stack = layers.stack();
  stack.user_xattrs = false;
  CHECK(tree(stack) == "d d/x=base");
}

TEST_CASE("a layer that refers to others is refused") {
  Layers layers;
  layers.one.directory("d").attribute("d", "user.overlay.redirect", "/old");
  CHECK_THROWS_WITH(tree(layers.stack()), ContainsSubstring("refers to files of the layers below"));
}

TEST_CASE("names of a folder come in byte order") {
  Layers layers;
  layers.base.file("a.b", "").file("a/x", "").file("B", "");
  layers.one.file("a-b", "");
  CHECK(tree(layers.stack()) == "B= a a/x= a-b= a.b=");
}

TEST_CASE("a path is looked up within the tree") {
  Layers layers;
  layers.base.file("usr/lib/apk/db", "base").symlink("lib", "usr/lib").file("gone", "");
  layers.one.symlink("usr/abs", "/usr/lib")
      .symlink("loop", "loop")
      .symlink("out", "../../../../lib");
  layers.two.whiteout("gone").file("usr/lib/new", "two");
  const auto content = [&](const std::string& path) {
    const auto found = find_in_tree(layers.stack(), path);
    return found && S_ISREG(found->status.st_mode) ? read_file(found->on_disk) : std::string("-");
  };
  CHECK(content("lib/apk/db") == "base");
  CHECK(content("usr/abs/new") == "two");
  CHECK(content("out/new") == "two");
  CHECK(content("gone") == "-");
  CHECK(content("loop") == "-");
  CHECK(content("lib/apk/db/x") == "-");
}

TEST_CASE("a walk ends when it is stopped") {
  Layers layers;
  layers.base.file("a", "");
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(walk_tree(
                      layers.stack(), [](const TreeEntry&) {}, stop.get_token()),
                  Error);
}
