#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value folder(const std::string& path, std::vector<std::pair<std::string, Value>> more = {}) {
  Value input = Value::object({{"path", path}});
  for (auto& [key, value] : more) input.set(key, std::move(value));
  return input;
}

}  // namespace

TEST_CASE("CreateFolder: with those above it, under the caller's umask") {
  FileHarness harness;
  CHECK(harness.does(create_folder(), folder(harness.at("a/b c/\u00e9/"))).is_null());
  CHECK(harness.below() == Names{"a", "a/b c", "a/b c/\u00e9"});
  for (const std::string& name : harness.below()) {
    CHECK(harness.mode(name) == (0777 & ~caller_umask()));
  }
}

TEST_CASE("CreateFolder: mode and owner are for the last folder only") {
  FileHarness harness;
  std::vector<std::pair<std::string, Value>> more{{"permissions", "2750"}};
  if (FileHarness::root()) {
    more.emplace_back("owner", "4711");
    more.emplace_back("group", "4712");
  }
  harness.does(create_folder(), folder(harness.at("a/b"), more));
  CHECK(harness.mode("a/b") == 02750);
  CHECK(harness.mode("a") == (0777 & ~caller_umask()));
  if (!FileHarness::root()) return;
  CHECK(harness.status("a/b").st_uid == 4711);
  CHECK(harness.status("a/b").st_gid == 4712);
  CHECK(harness.status("a").st_uid == 0);
}

TEST_CASE("CreateFolder: one that exists keeps what is in it, and its mode unless one is given") {
  FileHarness harness;
  harness.write("d/inside", "alive");
  REQUIRE(::chmod(harness.at("d").c_str(), 0711) == 0);
  harness.link("link", "d");
  harness.does(create_folder(), folder(harness.at("d")));
  CHECK(harness.mode("d") == 0711);
  harness.does(create_folder(), folder(harness.at("link"), {{"permissions", "0700"}}));
  CHECK(harness.mode("d") == 0700);
  CHECK(harness.read("d/inside") == "alive");
  CHECK(harness.failure(create_folder(), folder(harness.at("d"), {{"overwrite", false}})) ==
        harness.at("d") + " exists and overwrite is false");
}

TEST_CASE("CreateFolder: what is in the way is named, and nothing is half made") {
  FileHarness harness;
  harness.write("f", "");
  harness.link("dangling", "nowhere");
  CHECK_THAT(harness.failure(create_folder(), folder(harness.at("f"))),
             ContainsSubstring(harness.at("f") + " exists and is not a folder"));
  CHECK_THAT(harness.failure(create_folder(), folder(harness.at("f/below"))),
             ContainsSubstring("exists and is not a folder"));
  CHECK_FALSE(harness.failure(create_folder(), folder(harness.at("dangling"))).empty());
  CHECK_THAT(harness.failure(create_folder(), folder(harness.at("g"), {{"owner", "no-one-here"}})),
             ContainsSubstring("no user 'no-one-here'"));
  CHECK_THAT(harness.failure(create_folder(), folder(harness.at("g"), {{"permissions", "9"}})),
             ContainsSubstring("not an octal mode"));
  CHECK(harness.below() == Names{"dangling", "f"});
}

TEST_CASE("CreateFolder: checks and tables") {
  CHECK(check_findings(create_folder(), folder("/x/")).empty());
  CHECK(check_findings(create_folder(), folder("", {{"permissions", "8"}})).size() == 2);
  CHECK(create_folder().info.repeatable);
}
