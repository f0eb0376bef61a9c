#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::string_literals;

namespace {

Value file(const std::string& path, const std::string& content,
           std::vector<std::pair<std::string, Value>> more = {}) {
  Value input = Value::object({{"path", path}, {"content", content}});
  for (auto& [key, value] : more) input.set(key, std::move(value));
  return input;
}

}  // namespace

TEST_CASE("CreateFile: new files get the caller's umask, folders above them, literal content") {
  FileHarness harness;
  const Value output =
      harness.does(create_file(), file(harness.at("a/b/c.txt"), "x\\n{{ y }}\t\u00e9\n"));
  CHECK(output.is_null());
  CHECK(harness.read("a/b/c.txt") == "x\\n{{ y }}\t\u00e9\n");
  CHECK(harness.mode("a/b/c.txt") == (0666 & ~caller_umask()));
  CHECK(harness.mode("a/b") == (0777 & ~caller_umask()));
  CHECK(harness.mode("a") == (0777 & ~caller_umask()));
  CHECK(harness.below() == Names{"a", "a/b", "a/b/c.txt"});
}

TEST_CASE("CreateFile: content may stay away") {
  FileHarness harness;
  harness.does(create_file(), Value::object({{"path", harness.at("empty")}}));
  CHECK(harness.read("empty").empty());
}

TEST_CASE("CreateFile: modes are octal text, however they were written") {
  FileHarness harness;
  for (const auto& [text, mode] : std::vector<std::pair<std::string, unsigned>>{
           {"0640", 0640}, {"755", 0755}, {"0o600", 0600}, {"4755", 04755}, {"000", 0}}) {
    harness.does(create_file(), file(harness.at("f"), "", {{"permissions", text}}));
    CHECK(harness.mode("f") == mode);
  }
  // As a plain YAML scalar: the text counts, not the number.
  harness.does(create_file(), file(harness.at("f"), "",
                                   {{"permissions", Value::scalar(Value::Kind::integer, "0604")}}));
  CHECK(harness.mode("f") == 0604);
  for (const char* wrong : {"0o", "64", "00644", "0888", "rwx", "u+x", "", "-644", "0x1ff"}) {
    CHECK_THAT(harness.failure(create_file(), file(harness.at("g"), "", {{"permissions", wrong}})),
               ContainsSubstring("not an octal mode"));
  }
  CHECK_FALSE(harness.there("g"));
}

TEST_CASE("CreateFile: a file that exists keeps mode and owner unless others are given") {
  FileHarness harness;
  harness.write("f", "old", 0640);
  if (FileHarness::root()) REQUIRE(::chown(harness.at("f").c_str(), 4711, 4712) == 0);
  harness.does(create_file(), file(harness.at("f"), "new"));
  CHECK(harness.read("f") == "new");
  CHECK(harness.mode("f") == 0640);
  if (!FileHarness::root()) return;
  CHECK(harness.status("f").st_uid == 4711);
  CHECK(harness.status("f").st_gid == 4712);
  harness.does(create_file(), file(harness.at("f"), "new",
                                   {{"owner", "nobody"}, {"group", "0"}, {"permissions", "600"}}));
  CHECK(harness.status("f").st_uid == 65534);
  CHECK(harness.status("f").st_gid == 0);
  CHECK(harness.mode("f") == 0600);
}

TEST_CASE("CreateFile: a new file takes the group of a set-gid folder") {
  if (!FileHarness::root()) return;
  FileHarness harness;
  harness.make_folder("shared");
  REQUIRE(::chown(harness.at("shared").c_str(), 0, 4712) == 0);
  REQUIRE(::chmod(harness.at("shared").c_str(), 02775) == 0);
  harness.does(create_file(), file(harness.at("shared/below/f"), ""));
  CHECK(harness.status("shared/below").st_gid == 4712);
  CHECK(harness.mode("shared/below") == (02000 | (0777 & ~caller_umask())));
  CHECK(harness.status("shared/below/f").st_gid == 4712);
}

TEST_CASE("CreateFile: overwrite false fails for whatever is there and keeps it") {
  FileHarness harness;
  harness.write("f", "old");
  harness.link("dangling", "nowhere");
  const std::vector<std::pair<std::string, Value>> keep{{"overwrite", false}};
  CHECK_THAT(harness.failure(create_file(), file(harness.at("f"), "new", keep)),
             ContainsSubstring(harness.at("f") + " exists and overwrite is false"));
  CHECK_THAT(harness.failure(create_file(), file(harness.at("dangling"), "new", keep)),
             ContainsSubstring("exists and overwrite is false"));
  CHECK(harness.read("f") == "old");
  CHECK_FALSE(harness.there("nowhere"));
  CHECK(harness.failure(create_file(), file(harness.at("g"), "new", keep)).empty());
  CHECK(harness.below() == Names{"dangling", "f", "g"});
}

TEST_CASE("CreateFile: a link's target changes and the link stays") {
  FileHarness harness;
  harness.write("real/f", "old", 0600);
  harness.link("link", "real/f");
  harness.link("second", harness.at("link"));
  harness.does(create_file(), file(harness.at("second"), "new"));
  CHECK(harness.read("real/f") == "new");
  CHECK(harness.mode("real/f") == 0600);
  CHECK(std::filesystem::is_symlink(harness.at("link")));
  CHECK(std::filesystem::is_symlink(harness.at("second")));
  harness.link("dangling", "real/made");
  harness.does(create_file(), file(harness.at("dangling"), "through"));
  CHECK(harness.read("real/made") == "through");
  harness.link("loop", "loop");
  CHECK_THAT(harness.failure(create_file(), file(harness.at("loop"), "x")),
             ContainsSubstring("symbolic links"));
}

TEST_CASE("CreateFile: in a folder for everybody nobody's traps are stepped into") {
  if (!FileHarness::root()) return;
  FileHarness harness;
  harness.make_folder("tmp", 01777);
  harness.write("secret", "old");
  const std::string link = harness.link("tmp/link", harness.at("secret"));
  REQUIRE(::lchown(link.c_str(), 4711, 4711) == 0);
  CHECK_THAT(harness.failure(create_file(), file(link, "new")),
             ContainsSubstring("is a link that user 4711 has put"));
  CHECK(harness.read("secret") == "old");
  // Whoever made the file first would own what we write, and could change it.
  const std::string planted = harness.write("tmp/script", "", 0777);
  REQUIRE(::chown(planted.c_str(), 4711, 4711) == 0);
  harness.does(create_file(), file(planted, "new"));
  CHECK(harness.status("tmp/script").st_uid == 0);
  CHECK(harness.mode("tmp/script") == (0666 & ~caller_umask()));
}

TEST_CASE("CreateFile: folders and devices are not written") {
  FileHarness harness;
  harness.make_folder("d");
  REQUIRE(::mkfifo(harness.at("pipe").c_str(), 0600) == 0);
  CHECK_THAT(harness.failure(create_file(), file(harness.at("d"), "")),
             ContainsSubstring("is a folder, not a file"));
  CHECK_THAT(harness.failure(create_file(), file(harness.at("new/"), "")),
             ContainsSubstring("names a folder, not a file"));
  CHECK_THAT(harness.failure(create_file(), file(harness.at("pipe"), "")),
             ContainsSubstring("is a named pipe, not a file"));
  CHECK_THAT(harness.failure(create_file(), file("/dev/null", "")),
             ContainsSubstring("is a device, not a file"));
  CHECK_THAT(harness.failure(create_file(), file(harness.at("pipe/f"), "")),
             ContainsSubstring("exists and is not a folder"));
  CHECK_THAT(harness.failure(create_file(), file("", "")), ContainsSubstring("path is empty"));
  CHECK_THAT(harness.failure(create_file(), file(harness.at("a\0b"s), "")),
             ContainsSubstring("NUL"));
  CHECK(harness.below() == Names{"d", "pipe"});
}

TEST_CASE("CreateFile: unknown users and groups are named, and nothing is made") {
  FileHarness harness;
  const auto why = [&](const char* key, const char* name) {
    return harness.failure(create_file(), file(harness.at("new/f"), "", {{key, name}}));
  };
  CHECK_THAT(why("owner", "no-such-user"), ContainsSubstring("no user 'no-such-user'"));
  CHECK_THAT(why("group", "no-such-group"), ContainsSubstring("no group 'no-such-group'"));
  CHECK_THAT(why("owner", "4294967295"), ContainsSubstring("no user"));
  CHECK_THAT(why("owner", "-1"), ContainsSubstring("no user"));
  CHECK(harness.below().empty());
}

TEST_CASE("CreateFile: content is encoded, and content that cannot be is refused") {
  FileHarness harness;
  harness.does(create_file(), file(harness.at("f"), "\u00e9", {{"encoding", "UTF-16-BE"}}));
  CHECK(harness.read("f") == "\0\xe9"s);
  CHECK_THAT(harness.failure(create_file(), file(harness.at("f"), "a\xff")),
             ContainsSubstring(harness.at("f") + ": the text is malformed at byte 1"));
  CHECK(harness.read("f") == "\0\xe9"s);
}

TEST_CASE("CreateFile: a write that fails in the middle keeps the old content") {
  FileHarness harness;
  harness.write("f", "old");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string why =
      harness.failure(create_file(), file(harness.at("f"), std::string(8192, 'x')));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK_THAT(why, ContainsSubstring(harness.at("f")) && ContainsSubstring("File too large"));
  CHECK(harness.read("f") == "old");
  CHECK(harness.below() == Names{"f"});
}

TEST_CASE("CreateFile: a file whose folder takes no new ones is written in place") {
  FileHarness harness;
  if (!FileHarness::root()) return;
  // Writing it what it holds already changes nothing on the machine.
  const std::string setting = "/proc/self/comm";
  harness.does(create_file(), file(setting, "unit_tests"));
  CHECK(read_file(setting) == "unit_tests\n");
}

TEST_CASE("CreateFile: a user may write somebody else's file where its mode lets him") {
  FileHarness harness;
  if (!FileHarness::root()) return;
  REQUIRE(::chown(harness.folder.path().c_str(), 4711, 4711) == 0);
  harness.write("root's", "old", 0666);
  harness.write("closed", "old", 0644);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::setgid(4711) != 0 || ::setuid(4711) != 0) ::_exit(2);
    const std::string open = harness.failure(create_file(), file(harness.at("root's"), "new"));
    const std::string closed = harness.failure(create_file(), file(harness.at("closed"), "new"));
    ::_exit(open.empty() && closed.find("Permission denied") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(harness.read("root's") == "new");
  CHECK(harness.status("root's").st_uid == 0);
  CHECK(harness.read("closed") == "old");
}

TEST_CASE("CreateFile: names with blanks, line ends, other scripts and of full length") {
  FileHarness harness;
  for (const std::string& name : Names{"a b", "line\nend", "\u65e5\u672c\U0001f600", "-rf",
                                       "'\"$x;", "\xff\xfe", std::string(255, 'n')}) {
    harness.does(create_file(), file(harness.at(name), name == "\xff\xfe" ? "bytes" : name));
    CHECK(harness.there(name));
  }
  CHECK(harness.below().size() == 7);
}

TEST_CASE("CreateFile: all items are decoded before the first is written") {
  FileHarness harness;
  const Outcome outcome = harness.run(
      create_file(), Value(Value::List{file(harness.at("f"), ""),
                                       Value::object({{"path", harness.at("g")}, {"oops", 1}})}));
  CHECK_THAT(std::get<Failed>(outcome).message, ContainsSubstring("'oops'"));
  CHECK(harness.below().empty());
}

TEST_CASE("CreateFile: what can be known before the run is checked before it") {
  CHECK(check_findings(create_file(), file("/x", "", {{"permissions", "0644"}})).empty());
  CHECK(
      check_findings(create_file(), file("{{ a }}", "", {{"permissions", "{{ mode }}"}})).empty());
  CHECK(check_findings(create_file(), file("/x", "", {{"permissions", "0849"}})) ==
        Names{"'permissions' is not an octal mode: 0849"});
  CHECK(check_findings(create_file(), file("/x/", "")) ==
        Names{"'path' names a folder, not a file: /x/"});
  CHECK(check_findings(create_file(), file("", "")) == Names{"'path' is empty"});
  CHECK(create_file().info.repeatable);
}
