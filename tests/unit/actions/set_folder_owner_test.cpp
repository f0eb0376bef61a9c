#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value ownership(const std::string& path, const std::string& owner, bool recursive = true) {
  return Value::object({{"path", path}, {"owner", owner}, {"recursive", recursive}});
}

}  // namespace

TEST_CASE("SetFolderOwner: everything below unless told otherwise, nothing behind links") {
  if (!FileHarness::root()) return;
  FileHarness harness;
  harness.write("tree/sub/f", "", 0000);
  harness.write("victim/f", "");
  harness.link("tree/sub/link", harness.at("victim/f"));
  harness.link("tree/folder-link", harness.at("victim"));
  REQUIRE(::mkfifo(harness.at("tree/pipe").c_str(), 0600) == 0);
  harness.link("alias", "tree");
  harness.does(set_folder_owner(), ownership(harness.at("alias"), "4711", false));
  CHECK(harness.status("tree").st_uid == 4711);
  CHECK(harness.status("tree/sub").st_uid == 0);
  CHECK(harness.status("alias").st_uid == 0);
  harness.does(set_folder_owner(),
               Value::object({{"path", harness.at("tree/")}, {"owner", "nobody"}}));
  for (const std::string& name : harness.below("tree")) {
    CHECK(harness.status("tree/" + name).st_uid == 65534);
    CHECK(harness.status("tree/" + name).st_gid == 65534);
  }
  CHECK(harness.status("victim").st_uid == 0);
  CHECK(harness.status("victim/f").st_uid == 0);
}

TEST_CASE("SetFolderOwner: errors change nothing") {
  FileHarness harness;
  harness.write("tree/f", "");
  const auto why = [&](const std::string& name, const std::string& owner) {
    return harness.failure(set_folder_owner(), ownership(harness.at(name), owner));
  };
  CHECK_THAT(why("tree/f", "root"), ContainsSubstring("is not a folder"));
  CHECK_THAT(why("none", "root"), ContainsSubstring("No such file"));
  CHECK_THAT(why("tree", "no-such-user"), ContainsSubstring("no user 'no-such-user'"));
  CHECK(harness.status("tree/f").st_uid == ::geteuid());
  CHECK(set_folder_owner().info.repeatable);
}
