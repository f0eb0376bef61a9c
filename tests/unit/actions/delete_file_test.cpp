#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value target(const std::string& path) {
  return Value::object({{"path", path}});
}

}  // namespace

TEST_CASE("DeleteFile: a file, an empty folder, a link but not what it points to") {
  FileHarness harness;
  harness.write("f", "x", 0000);
  harness.write("kept", "x");
  harness.write("full/inside", "x");
  harness.make_folder("empty");
  harness.link("link", "kept");
  harness.link("folder-link", "full");
  harness.link("dangling", "nowhere");
  for (const char* name : {"f", "link", "folder-link", "dangling", "empty/"}) {
    CHECK(harness.does(delete_file(), target(harness.at(name))).is_null());
  }
  CHECK(harness.below() == Names{"full", "full/inside", "kept"});
}

TEST_CASE("DeleteFile: a star deletes the files of that folder that fit; none is no error") {
  FileHarness harness;
  for (const char* name : {"a.tgz", ".b.tgz", "c.txt", "d.tgz/inside", "new\nline.tgz"}) {
    harness.write(name, "x");
  }
  harness.link("e.tgz", "c.txt");
  harness.link("f.tgz", "d.tgz");
  harness.does(delete_file(), target(harness.at("*.tgz")));
  CHECK(harness.below() == Names{"c.txt", "d.tgz", "d.tgz/inside", "f.tgz"});
  harness.does(delete_file(), target(harness.at("*.none")));
  harness.does(delete_file(), target(harness.at("none/*")));
  CHECK_THAT(harness.failure(delete_file(), target(harness.at("c.txt/*"))),
             ContainsSubstring("cannot read the folder") && ContainsSubstring("Not a directory"));
}

TEST_CASE("DeleteFile: what cannot be deleted is named") {
  FileHarness harness;
  harness.write("full/inside", "x");
  CHECK_THAT(harness.failure(delete_file(), target(harness.at("none"))),
             ContainsSubstring("cannot delete " + harness.at("none") + ": No such file"));
  CHECK_THAT(harness.failure(delete_file(), target(harness.at("full"))),
             ContainsSubstring("not empty") && ContainsSubstring("DeleteFolder"));
  CHECK_THAT(harness.failure(delete_file(), target("")), ContainsSubstring("path is empty"));
  CHECK(harness.below() == Names{"full", "full/inside"});
}

TEST_CASE("DeleteFile: the first failing item ends the step and what was done stays") {
  FileHarness harness;
  harness.write("a", "");
  harness.write("c", "");
  CHECK_THROWS_AS(
      harness.run(delete_file(), Value(Value::List{target(harness.at("a")), target(harness.at("b")),
                                                   target(harness.at("c"))})),
      Error);
  CHECK(harness.below() == Names{"c"});
}

TEST_CASE("DeleteFile: checks and tables") {
  CHECK(check_findings(delete_file(), target("/a/*/b")).size() == 1);
  CHECK(check_findings(delete_file(), target("/a/b*")).empty());
  CHECK(check_findings(delete_file(), target("{{ x }}*/b")).empty());
  CHECK_FALSE(delete_file().info.repeatable);
}
