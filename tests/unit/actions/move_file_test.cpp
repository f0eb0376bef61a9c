#include <fcntl.h>

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

TEST_CASE("MoveFile: renames, and keeps everything about the file") {
  FileHarness harness;
  harness.write("f", "text", 0640);
  if (FileHarness::root()) REQUIRE(::chown(harness.at("f").c_str(), 4711, 4712) == 0);
  const auto before = harness.status("f");
  harness.does(move_file(), move(harness.at("f"), harness.at("new/g")));
  CHECK(harness.below() == Names{"new", "new/g"});
  const auto after = harness.status("new/g");
  CHECK(after.st_ino == before.st_ino);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_mode == before.st_mode);
}

TEST_CASE("MoveFile: a star moves the files that fit") {
  FileHarness harness;
  harness.write("from/a.log", "a");
  harness.write("from/.b.log", "b");
  harness.write("from/keep", "c");
  harness.write("from/d.log/x", "d");
  harness.does(move_file(), move(harness.at("from/*.log"), harness.at("to/")));
  CHECK(harness.below("to") == Names{".b.log", "a.log"});
  CHECK(harness.below("from") == Names{"d.log", "d.log/x", "keep"});
}

TEST_CASE("MoveFile: links move themselves, even those to nothing") {
  FileHarness harness;
  harness.write("f", "text");
  harness.link("link", "f");
  harness.link("dangling", "nowhere");
  harness.does(move_file(), move(harness.at("link"), harness.at("moved")));
  harness.does(move_file(), move(harness.at("dangling"), harness.at("also")));
  CHECK(std::filesystem::read_symlink(harness.at("moved")) == "f");
  CHECK(std::filesystem::read_symlink(harness.at("also")) == "nowhere");
  CHECK(harness.below() == Names{"also", "f", "moved"});
}

TEST_CASE("MoveFile: two names of one file become one") {
  FileHarness harness;
  harness.write("f", "text");
  std::filesystem::create_hard_link(harness.at("f"), harness.at("g"));
  harness.does(move_file(), move(harness.at("f"), harness.at("g")));
  CHECK(harness.below() == Names{"g"});
  harness.does(move_file(), move(harness.at("g"), harness.at("g")));
  CHECK(harness.read("g") == "text");
}

TEST_CASE("MoveFile: errors leave both as they were") {
  FileHarness harness;
  harness.write("f", "new");
  harness.write("g", "old");
  harness.make_folder("d");
  const auto why = [&](const std::string& from, const std::string& to, bool overwrite = true) {
    return harness.failure(move_file(), move(harness.at(from), harness.at(to), overwrite));
  };
  CHECK_THAT(why("f", "g", false), ContainsSubstring("exists and overwrite is false"));
  CHECK_THAT(why("none", "g"), ContainsSubstring("does not exist"));
  CHECK_THAT(why("d", "g"), ContainsSubstring("MoveFolder"));
  CHECK_THAT(why("f", "d"), ContainsSubstring("end the destination with '/'"));
  CHECK_THAT(why("n*", "d/"), ContainsSubstring("no file fits"));
  CHECK(harness.read("f") == "new");
  CHECK(harness.read("g") == "old");
  CHECK(why("f", "g").empty());
  CHECK(harness.read("g") == "new");
}

TEST_CASE("MoveFile: to another file system with owner, mode and time") {
  FileHarness harness;
  if (::access("/dev/shm", W_OK) != 0) return;
  const TempDirectory other("/dev/shm", "toehold-test-");
  const std::string target = (other.path() / "g").string();
  harness.write("f", std::string(600'000, 'x'), 0644);
  if (FileHarness::root()) REQUIRE(::chown(harness.at("f").c_str(), 4711, 4712) == 0);
  REQUIRE(::chmod(harness.at("f").c_str(), 04751) == 0);
  const timespec times[2] = {{1'000'000'000, 0}, {1'100'000'000, 5}};
  REQUIRE(::utimensat(AT_FDCWD, harness.at("f").c_str(), times, 0) == 0);
  const auto before = harness.status("f");
  harness.does(move_file(), move(harness.at("f"), target));
  CHECK_FALSE(harness.there("f"));
  struct stat after {};
  REQUIRE(::lstat(target.c_str(), &after) == 0);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_gid == before.st_gid);
  CHECK(after.st_mode == before.st_mode);
  CHECK(after.st_mtim.tv_sec == 1'100'000'000);
  CHECK(after.st_size == 600'000);
  // And back over something, as a link.
  harness.link("link", "nowhere");
  harness.does(move_file(), move(harness.at("link"), target));
  CHECK(std::filesystem::read_symlink(target) == "nowhere");
  CHECK(harness.below().empty());
}

TEST_CASE("MoveFile: a repeat finds no source, so it is not called repeatable") {
  CHECK_FALSE(move_file().info.repeatable);
}
