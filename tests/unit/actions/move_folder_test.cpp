#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value move(const std::string& source, const std::string& destination, bool overwrite = true) {
  return Value::object(
      {{"source", source}, {"destination", destination}, {"overwrite", overwrite}});
}

}  // namespace

TEST_CASE("MoveFolder: renames the folder as it is") {
  FileHarness harness;
  harness.write("app/bin/tool", "x", 0755);
  const auto inode = harness.status("app").st_ino;
  harness.does(move_folder(), move(harness.at("app/"), harness.at("opt/app")));
  CHECK(harness.below() == Names{"opt", "opt/app", "opt/app/bin", "opt/app/bin/tool"});
  CHECK(harness.status("opt/app").st_ino == inode);
  harness.does(move_folder(), move(harness.at("opt/a*"), harness.at("srv/")));
  CHECK(harness.below("srv") == Names{"app", "app/bin", "app/bin/tool"});
}

TEST_CASE("MoveFolder: goes into a folder that exists, with owners and modes") {
  FileHarness harness;
  harness.write("app/conf", "new", 0640);
  harness.write("app/lib/a", "a");
  harness.write("app/only/b", "b");
  if (FileHarness::root()) REQUIRE(::chown(harness.at("app/conf").c_str(), 4711, 4712) == 0);
  harness.write("old/conf", "old", 0600);
  harness.write("old/lib/mine", "mine");
  harness.does(move_folder(), move(harness.at("app"), harness.at("old")));
  CHECK(harness.below() ==
        Names{"old", "old/conf", "old/lib", "old/lib/a", "old/lib/mine", "old/only", "old/only/b"});
  CHECK(harness.read("old/conf") == "new");
  CHECK(harness.mode("old/conf") == 0640);
  if (FileHarness::root()) CHECK(harness.status("old/conf").st_uid == 4711);
}

TEST_CASE("MoveFolder: what does not fit is found before anything moves") {
  FileHarness harness;
  harness.write("app/a", "a");
  harness.write("app/z/b", "b");
  harness.write("old/z", "a file");
  harness.write("f", "");
  harness.link("link", "app");
  const Names before = harness.below();
  const auto why = [&](const std::string& from, const std::string& to, bool overwrite = true) {
    return harness.failure(move_folder(), move(harness.at(from), harness.at(to), overwrite));
  };
  CHECK_THAT(why("app", "old"), ContainsSubstring("cannot take its place"));
  CHECK_THAT(why("app", "old", false), ContainsSubstring("overwrite is false"));
  CHECK_THAT(why("app", "app/z/"), ContainsSubstring("is inside of"));
  CHECK_THAT(why("app", "app"), ContainsSubstring("the same folder"));
  CHECK_THAT(why("app", "f"), ContainsSubstring("exists and is not a folder"));
  CHECK_THAT(why("f", "x"), ContainsSubstring("is not a folder"));
  CHECK_THAT(why("link", "x"), ContainsSubstring("is a link") && ContainsSubstring("MoveFile"));
  CHECK_THAT(why("none", "x"), ContainsSubstring("does not exist"));
  CHECK(harness.below() == before);
}

TEST_CASE("MoveFolder: to another file system, whole, with owners, links and times") {
  FileHarness harness;
  if (::access("/dev/shm", W_OK) != 0) return;
  const TempDirectory other("/dev/shm", "toehold-test-");
  harness.write("app/bin/tool", "x");
  REQUIRE(::chmod(harness.at("app/bin/tool").c_str(), 02755) == 0);
  harness.make_folder("app/private", 0700);
  if (FileHarness::root()) {
    REQUIRE(::chown(harness.at("app/private").c_str(), 4711, 4712) == 0);
    REQUIRE(::chown(harness.at("app").c_str(), 4713, 4713) == 0);
  }
  harness.link("app/link", "bin/tool");
  REQUIRE(::mkfifo(harness.at("app/pipe").c_str(), 0600) == 0);
  const auto before = harness.status("app");
  const auto private_before = harness.status("app/private");
  const Names names = harness.below("app");
  harness.does(move_folder(), move(harness.at("app"), other.path().string() + "/"));
  CHECK(harness.below().empty());
  // Into the harness's folder again, to look at it there.
  const fs::path moved = other.path() / "app";
  struct stat after {};
  REQUIRE(::lstat(moved.c_str(), &after) == 0);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_mtim.tv_sec == before.st_mtim.tv_sec);
  CHECK(std::distance(fs::directory_iterator(other.path()), fs::directory_iterator()) == 1);
  harness.make_folder("back");
  harness.does(move_folder(), move(moved.string(), harness.at("back")));  // merges, across
  CHECK(harness.below("back") == names);
  CHECK(harness.mode("back/bin/tool") == 02755);
  CHECK(harness.status("back/private").st_uid == private_before.st_uid);
  CHECK(harness.status("back/private").st_mode == private_before.st_mode);
  CHECK(fs::is_empty(other.path()));
}

TEST_CASE("MoveFolder: a repeat finds no source, so it is not called repeatable") {
  CHECK_FALSE(move_folder().info.repeatable);
  CHECK(check_findings(move_folder(), move("/a/*", "/b")).size() == 1);
}
