#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value target(const std::string& path, bool force = false) {
  return Value::object({{"path", path}, {"force", force}});
}

}  // namespace

TEST_CASE("DeleteFolder: an empty one goes, a full one only with force") {
  FileHarness harness;
  harness.make_folder("empty");
  harness.write("full/a/b", "x");
  CHECK(harness.does(delete_folder(), target(harness.at("empty"))).is_null());
  CHECK_THAT(harness.failure(delete_folder(), target(harness.at("full"))),
             ContainsSubstring(harness.at("full") + " is not empty and force is false"));
  CHECK(harness.below() == Names{"full", "full/a", "full/a/b"});
  harness.does(delete_folder(), target(harness.at("full/"), true));
  CHECK(harness.below().empty());
}

TEST_CASE("DeleteFolder: a star takes folders only, and no links to them") {
  FileHarness harness;
  harness.write("b1/x", "");
  harness.make_folder(".b2");
  harness.write("b3", "");
  harness.link("b4", "b1");
  harness.write("other/x", "");
  harness.does(delete_folder(), target(harness.at("*b*"), true));
  CHECK(harness.below() == Names{"b3", "b4", "other", "other/x"});
}

TEST_CASE("DeleteFolder: links inside are deleted, never what they point to") {
  FileHarness harness;
  harness.write("victim/f", "alive");
  harness.make_folder("tree/sub");
  harness.link("tree/to-folder", harness.at("victim"));
  harness.link("tree/sub/to-file", harness.at("victim/f"));
  harness.link("tree/sub/loop", "..");
  REQUIRE(::mkfifo(harness.at("tree/pipe").c_str(), 0600) == 0);
  harness.does(delete_folder(), target(harness.at("tree"), true));
  CHECK(harness.below() == Names{"victim", "victim/f"});
}

TEST_CASE("DeleteFolder: deep and wide trees go") {
  FileHarness harness;
  std::string deep = "tree";
  for (int i = 0; i < 100; ++i) deep += "/d" + std::to_string(i % 10);
  harness.write(deep + "/bottom", "");
  for (int i = 0; i < 100; ++i) harness.make_folder("tree/w" + std::to_string(i));
  harness.does(delete_folder(), target(harness.at("tree"), true));
  CHECK(harness.below().empty());
}

TEST_CASE("DeleteFolder: what is no folder fails") {
  FileHarness harness;
  harness.write("f", "");
  harness.make_folder("d");
  harness.link("link", "d");
  const auto why = [&](const std::string& name) {
    return harness.failure(delete_folder(), target(harness.at(name), true));
  };
  CHECK_THAT(why("none"), ContainsSubstring("No such file"));
  CHECK_THAT(why("f"), ContainsSubstring("is not a folder"));
  CHECK_THAT(why("link"), ContainsSubstring("is a link"));
  CHECK(harness.below() == Names{"d", "f", "link"});
}

TEST_CASE("DeleteFolder: a folder swapped for a link in the middle takes nothing outside along") {
  FileHarness harness;
  harness.write("victim/f", "alive");
  for (int round = 0; round < 15; ++round) {
    const std::string tree = "tree" + std::to_string(round);
    for (int i = 0; i < 20; ++i) harness.write(tree + "/a/f" + std::to_string(i), "");
    const std::string swap = "swap" + std::to_string(round);
    harness.link(swap, harness.at("victim"));
    std::atomic<bool> done = false;
    std::thread attacker([&] {
      while (!done) {
        ::renameat2(AT_FDCWD, harness.at(tree + "/a").c_str(), AT_FDCWD, harness.at(swap).c_str(),
                    RENAME_EXCHANGE);
      }
    });
    harness.failure(delete_folder(), target(harness.at(tree), true));
    done = true;
    attacker.join();
    REQUIRE(harness.there("victim/f"));
  }
}

TEST_CASE("DeleteFolder: with a mount point inside nothing is deleted") {
  FileHarness harness;
  if (!FileHarness::root()) return;
  harness.write("tree/a", "");
  harness.make_folder("tree/mo unt");
  harness.write("source/alive", "");
  // A bind mount of the same file system: its device number gives it away to nobody.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(harness.at("source").c_str(), harness.at("tree/mo unt").c_str(), nullptr, MS_BIND,
                nullptr) != 0) {
      ::_exit(77);
    }
    const std::string inside = harness.failure(delete_folder(), target(harness.at("tree"), true));
    const std::string itself =
        harness.failure(delete_folder(), target(harness.at("tree/mo unt"), true));
    const bool refused = inside.find("is mounted inside") != std::string::npos &&
                         itself.find("is mounted there") != std::string::npos;
    ::_exit(refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) return;  // no right to mount here
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(harness.below() == Names{"source", "source/alive", "tree", "tree/a", "tree/mo unt"});
}

TEST_CASE("DeleteFolder: a stop ends it between two entries") {
  FileHarness harness;
  harness.write("tree/a", "");
  harness.deadline = Deadline(harness.clock.monotonic() - std::chrono::seconds(1));
  const Outcome outcome =
      harness.run(delete_folder(), Value(Value::List{target(harness.at("tree"), true)}));
  CHECK(std::get<Failed>(outcome).timed_out);
  CHECK(harness.there("tree/a"));
}
