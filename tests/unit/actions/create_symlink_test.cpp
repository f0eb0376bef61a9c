#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value link_to(const std::string& path, const std::string& target, bool force = false) {
  return Value::object({{"path", path}, {"target", target}, {"force", force}});
}

}  // namespace

TEST_CASE("CreateSymlink: makes the link and the folders above it") {
  FileHarness harness;
  harness.write("real", "x");
  CHECK(harness.does(create_symlink(), link_to(harness.at("a/b/link"), harness.at("real")))
            .is_null());
  CHECK(std::filesystem::read_symlink(harness.at("a/b/link")) == harness.at("real"));
  // A relative target is kept as it is and seen from the link, whose folder may be new.
  harness.does(create_symlink(), link_to(harness.at("c/d/link"), "../../real"));
  CHECK(std::filesystem::read_symlink(harness.at("c/d/link")) == "../../real");
  CHECK(harness.read("c/d/link") == "x");
}

TEST_CASE("CreateSymlink: replaces a link with force only, and never anything else") {
  FileHarness harness;
  harness.write("one", "1");
  harness.write("two", "2");
  harness.make_folder("d");
  harness.link("link", "one");
  harness.link("to-folder", "d");
  const auto why = [&](const std::string& path, bool force) {
    return harness.failure(create_symlink(), link_to(harness.at(path), harness.at("two"), force));
  };
  CHECK_THAT(why("link", false), ContainsSubstring("exists and force is false"));
  CHECK(harness.read("link") == "1");
  CHECK(why("link", true).empty());
  CHECK(harness.read("link") == "2");
  CHECK(why("to-folder", true).empty());  // the link itself, not something in the folder
  CHECK_THAT(why("one", true), ContainsSubstring("exists and is not a link"));
  CHECK_THAT(why("d", true), ContainsSubstring("exists and is not a link"));
  CHECK(harness.below() == Names{"d", "link", "one", "to-folder", "two"});
}

TEST_CASE("CreateSymlink: the target has to exist") {
  FileHarness harness;
  harness.link("loop", "loop");
  CHECK_THAT(harness.failure(create_symlink(), link_to(harness.at("new/l"), "missing")),
             ContainsSubstring("the target " + harness.at("new/missing") + " does not exist"));
  CHECK_FALSE(
      harness.failure(create_symlink(), link_to(harness.at("l"), harness.at("loop"))).empty());
  CHECK_THAT(harness.failure(create_symlink(), link_to(harness.at("l"), "")),
             ContainsSubstring("path is empty"));
  CHECK(harness.below() == Names{"loop"});
}

TEST_CASE("CreateSymlink: checks and tables") {
  CHECK(check_findings(create_symlink(), link_to("", "")).size() == 2);
  CHECK(check_findings(create_symlink(), link_to("{{ a }}", "/b")).empty());
  CHECK_FALSE(create_symlink().info.repeatable);
}
