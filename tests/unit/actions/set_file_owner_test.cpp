#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value ownership(const std::string& path, const std::string& owner) {
  return Value::object({{"path", path}, {"owner", owner}});
}

}  // namespace

TEST_CASE("SetFileOwner: by name with the user's own group, by number, with a group") {
  if (!FileHarness::root()) return;
  FileHarness harness;
  harness.write("f", "", 0000);
  CHECK(harness.does(set_file_owner(), ownership(harness.at("f"), "nobody")).is_null());
  CHECK(harness.status("f").st_uid == 65534);
  CHECK(harness.status("f").st_gid == 65534);
  // A number without an account has no group of its own.
  harness.does(set_file_owner(), ownership(harness.at("f"), "4711"));
  CHECK(harness.status("f").st_uid == 4711);
  CHECK(harness.status("f").st_gid == 65534);
  Value both = ownership(harness.at("f"), "root");
  both.set("group", "4712");
  harness.does(set_file_owner(), both);
  CHECK(harness.status("f").st_uid == 0);
  CHECK(harness.status("f").st_gid == 4712);
}

TEST_CASE("SetFileOwner: a link's target changes, not the link") {
  if (!FileHarness::root()) return;
  FileHarness harness;
  harness.write("f", "");
  harness.link("link", "f");
  REQUIRE(::mkfifo(harness.at("pipe").c_str(), 0600) == 0);
  harness.does(set_file_owner(), ownership(harness.at("link"), "4711"));
  CHECK(harness.status("f").st_uid == 4711);
  CHECK(harness.status("link").st_uid == 0);
  harness.does(set_file_owner(), ownership(harness.at("pipe"), "4711"));  // and does not hang
  CHECK(harness.status("pipe").st_uid == 4711);
}

TEST_CASE("SetFileOwner: errors change nothing") {
  FileHarness harness;
  harness.write("f", "");
  harness.make_folder("d");
  harness.link("dangling", "nowhere");
  const auto why = [&](const std::string& name, const std::string& owner) {
    return harness.failure(set_file_owner(), ownership(harness.at(name), owner));
  };
  CHECK_THAT(why("f", "no-such-user"), ContainsSubstring("no user 'no-such-user'"));
  CHECK_THAT(why("f", "4294967296"), ContainsSubstring("no user"));
  CHECK_THAT(why("d", "root"), ContainsSubstring("is a folder, not a file"));
  CHECK_THAT(why("none", "root"), ContainsSubstring("No such file"));
  CHECK_THAT(why("dangling", "root"), ContainsSubstring("No such file"));
  CHECK(harness.status("f").st_uid == ::geteuid());
  CHECK(set_file_owner().info.repeatable);
}
