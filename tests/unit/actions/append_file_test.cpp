#include <sys/resource.h>

#include <csignal>

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::string_literals;

namespace {

Value addition(const std::string& path, const std::string& content) {
  return Value::object({{"path", path}, {"content", content}});
}

}  // namespace

TEST_CASE("AppendFile: adds the text and nothing else, and keeps the file") {
  FileHarness harness;
  harness.write("f", "one\n", 0640);
  const auto inode = harness.status("f").st_ino;
  CHECK(harness.does(append_file(), addition(harness.at("f"), "two\\n")).is_null());
  harness.does(append_file(), Value::object({{"path", harness.at("f")}}));
  CHECK(harness.read("f") == "one\ntwo\\n");
  CHECK(harness.mode("f") == 0640);
  CHECK(harness.status("f").st_ino == inode);
}

TEST_CASE("AppendFile: items are done in order, links are followed, encodings are kept apart") {
  FileHarness harness;
  harness.write("f", "");
  harness.link("link", "f");
  Value wide = addition(harness.at("link"), "b");
  wide.set("encoding", "utf-16");
  harness.run(append_file(), Value(Value::List{addition(harness.at("f"), "a"), wide}));
  CHECK(harness.read("f") == "ab\0"s);
}

TEST_CASE("AppendFile: what is no file fails at once") {
  FileHarness harness;
  harness.make_folder("d");
  REQUIRE(::mkfifo(harness.at("pipe").c_str(), 0600) == 0);
  CHECK_THAT(harness.failure(append_file(), addition(harness.at("none"), "x")),
             ContainsSubstring("No such file") && ContainsSubstring("CreateFile"));
  CHECK_THAT(harness.failure(append_file(), addition(harness.at("d"), "x")),
             ContainsSubstring("Is a directory"));
  CHECK_THAT(harness.failure(append_file(), addition(harness.at("pipe"), "x")),
             ContainsSubstring("is not a file"));
  CHECK_THAT(harness.failure(append_file(), addition("/dev/null", "x")),
             ContainsSubstring("is a device"));
  CHECK_FALSE(harness.there("none"));
}

TEST_CASE("AppendFile: a write that fails in the middle leaves the file as it was") {
  FileHarness harness;
  harness.write("f", "old");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string why =
      harness.failure(append_file(), addition(harness.at("f"), std::string(8192, 'x')));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_THAT(why, ContainsSubstring("File too large"));
  CHECK(harness.read("f") == "old");
}

TEST_CASE("AppendFile: a repeat would add twice, so it is not called repeatable") {
  CHECK_FALSE(append_file().info.repeatable);
  CHECK(check_findings(append_file(), addition("/x/", "")).size() == 1);
}
