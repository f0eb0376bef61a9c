#include <fcntl.h>
#include <stdio.h>

#include <atomic>
#include <thread>

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value permissions(const std::string& path, const std::string& mode, bool recursive = true) {
  return Value::object({{"path", path}, {"permissions", mode}, {"recursive", recursive}});
}

}  // namespace

TEST_CASE("SetFolderPermissions: files and folders alike, nothing behind links") {
  FileHarness harness;
  harness.make_folder("tree/sub", 0755);
  harness.make_folder("victim", 0755);
  harness.write("tree/sub/f", "", 0600);
  harness.write("victim/f", "", 0600);
  harness.link("tree/sub/link", harness.at("victim/f"));
  harness.link("tree/folder-link", harness.at("victim"));
  harness.does(set_folder_permissions(), permissions(harness.at("tree"), "0711", false));
  CHECK(harness.mode("tree") == 0711);
  CHECK(harness.mode("tree/sub") == 0755);
  harness.does(set_folder_permissions(),
               Value::object({{"path", harness.at("tree")}, {"permissions", "0770"}}));
  CHECK(harness.mode("tree") == 0770);
  CHECK(harness.mode("tree/sub") == 0770);
  CHECK(harness.mode("tree/sub/f") == 0770);
  CHECK(harness.mode("victim/f") == 0600);
  CHECK(harness.mode("victim") == 0755);
}

TEST_CASE("SetFolderPermissions: a folder that loses its x bit is changed last") {
  FileHarness harness;
  harness.write("tree/a/b/f", "");
  harness.does(set_folder_permissions(), permissions(harness.at("tree"), "0600"));
  ::chmod(harness.at("tree").c_str(), 0700);
  CHECK(harness.mode("tree/a") == 0600);
  ::chmod(harness.at("tree/a").c_str(), 0700);
  CHECK(harness.mode("tree/a/b") == 0600);
  ::chmod(harness.at("tree/a/b").c_str(), 0700);
  CHECK(harness.mode("tree/a/b/f") == 0600);
}

TEST_CASE("SetFolderPermissions: errors change nothing") {
  FileHarness harness;
  harness.write("tree/f", "", 0640);
  const auto why = [&](const std::string& name, const std::string& mode) {
    return harness.failure(set_folder_permissions(), permissions(harness.at(name), mode));
  };
  CHECK_THAT(why("tree", "rwx"), ContainsSubstring("not an octal mode"));
  CHECK_THAT(why("tree/f", "755"), ContainsSubstring("is not a folder"));
  CHECK_THAT(why("none", "755"), ContainsSubstring("No such file"));
  CHECK(harness.mode("tree/f") == 0640);
  CHECK(check_findings(set_folder_permissions(), permissions("", "9")).size() == 2);
}

TEST_CASE(
    "SetFolderPermissions: an entry swapped for a link in the middle changes nothing outside") {
  FileHarness harness;
  harness.write("victim", "", 0600);
  harness.link("swap", harness.at("victim"));
  harness.write("tree/f", "", 0600);
  std::atomic<bool> done = false;
  std::thread attacker([&] {
    while (!done) {
      ::renameat2(AT_FDCWD, harness.at("tree/f").c_str(), AT_FDCWD, harness.at("swap").c_str(),
                  RENAME_EXCHANGE);
    }
  });
  for (int round = 0; round < 300; ++round) {
    harness.failure(set_folder_permissions(), permissions(harness.at("tree"), "0777"));
  }
  done = true;
  attacker.join();
  CHECK(harness.mode("victim") == 0600);
}
