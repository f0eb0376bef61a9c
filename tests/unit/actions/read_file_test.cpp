#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::string_literals;

namespace {

Value source(const std::string& path, const std::string& encoding = "utf8", bool print = false) {
  return Value::object({{"path", path}, {"encoding", encoding}, {"printFileContent", print}});
}

}  // namespace

TEST_CASE("ReadFile: the content as it is, and printed only when asked") {
  FileHarness harness;
  harness.write("f", "  text \u00e9\n\n");
  harness.link("link", "f");
  CHECK(harness.does(read_file_action(), source(harness.at("link"))).find("content")->text() ==
        "  text \u00e9\n\n");
  CHECK(harness.out.empty());
  harness.does(read_file_action(), source(harness.at("f"), "utf8", true));
  CHECK(harness.out == "  text \u00e9\n\n");
  CHECK(harness.err.empty());
  harness.write("empty", "");
  CHECK(harness.does(read_file_action(), source(harness.at("empty"))).find("content")->text() ==
        "");
}

TEST_CASE("ReadFile: encodings, with or without a byte order mark") {
  FileHarness harness;
  harness.write("wide", "\xff\xfe\xe9\0"s);
  CHECK(harness.does(read_file_action(), source(harness.at("wide"), "UTF-16"))
            .find("content")
            ->text() == "\u00e9");
  CHECK_THAT(harness.failure(read_file_action(), source(harness.at("wide"))),
             ContainsSubstring(harness.at("wide") + ": the text is malformed at byte 0"));
  harness.write("other", "\xfe\xff\0\xe9"s);
  CHECK_THAT(harness.failure(read_file_action(), source(harness.at("other"), "utf16")),
             ContainsSubstring("add -BE to the encoding"));
  CHECK_THAT(std::get<Failed>(harness.run(read_file_action(),
                                          Value(Value::List{source(harness.at("f"), "latin1")})))
                 .message,
             ContainsSubstring("cannot be 'latin1'"));
}

TEST_CASE("ReadFile: files that the kernel makes up are read, too") {
  FileHarness harness;
  CHECK_FALSE(
      harness.does(read_file_action(), source("/proc/self/stat")).find("content")->text().empty());
}

TEST_CASE("ReadFile: what is no file fails at once") {
  FileHarness harness;
  harness.make_folder("d");
  harness.link("loop", "loop");
  REQUIRE(::mkfifo(harness.at("pipe").c_str(), 0600) == 0);
  const auto why = [&](const std::string& path) {
    return harness.failure(read_file_action(), source(path));
  };
  CHECK_THAT(why(harness.at("none")),
             ContainsSubstring("cannot read " + harness.at("none") + ": No such file"));
  CHECK_THAT(why(harness.at("d")), ContainsSubstring("is a folder"));
  CHECK_THAT(why(harness.at("d/")), ContainsSubstring("names a folder"));
  CHECK_THAT(why(harness.at("pipe")), ContainsSubstring("is a named pipe"));
  CHECK_THAT(why(harness.at("loop")), ContainsSubstring("symbolic links"));
  CHECK_THAT(why("/dev/zero"), ContainsSubstring("is a device"));
  harness.write("big", std::string((16u << 20) + 1, 'x'));
  CHECK_THAT(why(harness.at("big")), ContainsSubstring("is larger than 16.0 MiB"));
}

TEST_CASE("ReadFile: tables") {
  const ActionInfo info = read_file_action().info;
  CHECK(info.repeatable);
  CHECK(info.platforms == every_platform);
  REQUIRE(info.outputs.size() == 1);
  CHECK(info.outputs[0].name == "content");
}
