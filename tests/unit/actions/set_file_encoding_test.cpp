#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::string_literals;

namespace {

Value conversion(const std::string& path, const std::string& encoding) {
  return Value::object({{"path", path}, {"encoding", encoding}});
}

}  // namespace

TEST_CASE("SetFileEncoding: converts the text and keeps mode and owner") {
  FileHarness harness;
  harness.write("f", "\u00e9\n", 0640);
  if (FileHarness::root()) REQUIRE(::chown(harness.at("f").c_str(), 4711, 4712) == 0);
  CHECK(harness.does(set_file_encoding(), conversion(harness.at("f"), "UTF-16-be")).is_null());
  CHECK(harness.read("f") == "\0\xe9\0\n"s);
  CHECK(harness.mode("f") == 0640);
  if (FileHarness::root()) CHECK(harness.status("f").st_uid == 4711);
}

TEST_CASE("SetFileEncoding: to UTF-8 takes the byte order mark away; links are followed") {
  FileHarness harness;
  harness.write("f", "\xef\xbb\xbftext");
  harness.link("link", "f");
  harness.does(set_file_encoding(), Value::object({{"path", harness.at("link")}}));
  CHECK(harness.read("f") == "text");
  CHECK(std::filesystem::is_symlink(harness.at("link")));
}

TEST_CASE("SetFileEncoding: a file that is not UTF-8 stays as it is") {
  FileHarness harness;
  harness.write("f", "ab\xe9");
  CHECK_THAT(harness.failure(set_file_encoding(), conversion(harness.at("f"), "utf32")),
             ContainsSubstring(harness.at("f")) && ContainsSubstring("not UTF-8") &&
                 ContainsSubstring("byte 2"));
  CHECK(harness.read("f") == "ab\xe9");
  CHECK_THAT(harness.failure(set_file_encoding(), conversion(harness.at("none"), "utf32")),
             ContainsSubstring("No such file"));
}

TEST_CASE("SetFileEncoding: a repeat would convert twice, so it is not called repeatable") {
  CHECK_FALSE(set_file_encoding().info.repeatable);
  CHECK(set_file_encoding().info.platforms == every_platform);
}
