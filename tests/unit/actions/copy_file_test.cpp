#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value copy(const std::string& source, const std::string& destination, bool overwrite = true) {
  return Value::object(
      {{"source", source}, {"destination", destination}, {"overwrite", overwrite}});
}

}  // namespace

TEST_CASE("CopyFile: under another name, or into a folder, with missing folders made") {
  FileHarness harness;
  harness.write("f", "text", 0751);
  CHECK(harness.does(copy_file(), copy(harness.at("f"), harness.at("new/g"))).is_null());
  CHECK(harness.read("new/g") == "text");
  CHECK(harness.mode("new/g") == 0751);
  CHECK(harness.mode("new") == (0777 & ~caller_umask()));
  harness.does(copy_file(), copy(harness.at("f"), harness.at("slash/")));
  CHECK(harness.read("slash/f") == "text");
  harness.does(copy_file(), copy(harness.at("f"), harness.at("back\\")));
  CHECK(harness.read("back/f") == "text");
  CHECK(harness.read("f") == "text");
}

TEST_CASE("CopyFile: a star takes the files that fit, hidden ones too, and no folders") {
  FileHarness harness;
  harness.write("from/a.sh", "a");
  harness.write("from/.b.sh", "b");
  harness.write("from/c.txt", "c");
  harness.write("from/d.sh/inside", "d");
  harness.link("from/e.sh", "a.sh");
  harness.link("from/f.sh", "d.sh");
  harness.does(copy_file(), copy(harness.at("from/*.sh"), harness.at("to/")));
  CHECK(harness.below("to") == Names{".b.sh", "a.sh", "e.sh"});
  CHECK_FALSE(std::filesystem::is_symlink(harness.at("to/e.sh")));  // what it points to
  CHECK(harness.read("to/e.sh") == "a");
}

TEST_CASE("CopyFile: all targets are looked at before the first is written") {
  FileHarness harness;
  harness.write("from/a", "new");
  harness.write("from/b", "new");
  harness.write("to/b", "old");
  CHECK_THAT(harness.failure(copy_file(), copy(harness.at("from/*"), harness.at("to/"), false)),
             ContainsSubstring(harness.at("to/b") + " exists and overwrite is false"));
  CHECK(harness.below("to") == Names{"b"});
  harness.does(copy_file(), copy(harness.at("from/*"), harness.at("to/")));
  CHECK(harness.read("to/b") == "new");
}

TEST_CASE("CopyFile: a file that is replaced keeps its mode and owner") {
  FileHarness harness;
  harness.write("f", "new", 0755);
  harness.write("g", "old", 0600);
  if (FileHarness::root()) REQUIRE(::chown(harness.at("g").c_str(), 4711, 4712) == 0);
  harness.does(copy_file(), copy(harness.at("f"), harness.at("g")));
  CHECK(harness.read("g") == "new");
  CHECK(harness.mode("g") == 0600);
  if (FileHarness::root()) CHECK(harness.status("g").st_uid == 4711);
}

TEST_CASE("CopyFile: set-id bits do not travel to another owner") {
  FileHarness harness;
  harness.write("tool", "x", 0755);
  if (FileHarness::root()) REQUIRE(::chown(harness.at("tool").c_str(), 4711, 4711) == 0);
  REQUIRE(::chmod(harness.at("tool").c_str(), 06755) == 0);
  harness.does(copy_file(), copy(harness.at("tool"), harness.at("copy")));
  CHECK(harness.mode("copy") == 0755);
  CHECK(harness.status("copy").st_uid == ::geteuid());
}

TEST_CASE("CopyFile: errors say what is in the way") {
  FileHarness harness;
  harness.write("f", "text");
  harness.make_folder("d");
  harness.link("dangling", "nowhere");
  REQUIRE(::mkfifo(harness.at("pipe").c_str(), 0600) == 0);
  const auto why = [&](const std::string& from, const std::string& to) {
    return harness.failure(copy_file(), copy(harness.at(from), harness.at(to)));
  };
  CHECK_THAT(why("none", "x"), ContainsSubstring(harness.at("none") + " does not exist"));
  CHECK_THAT(why("no*", "x/"), ContainsSubstring("no file fits"));
  CHECK_THAT(why("dangling", "x"), ContainsSubstring("is a link to nothing"));
  CHECK_THAT(why("d", "x"), ContainsSubstring("is a folder") && ContainsSubstring("CopyFolder"));
  CHECK_THAT(why("pipe", "x"), ContainsSubstring("is a named pipe"));
  CHECK_THAT(why("f", "pipe"), ContainsSubstring("is a named pipe"));
  CHECK_THAT(why("f", "d"), ContainsSubstring("end the destination with '/'"));
  CHECK_THAT(why("f", "pipe/"), ContainsSubstring("is not a folder"));
  CHECK_THAT(why("*", "x"), ContainsSubstring("destination has to be a folder"));
  CHECK_THAT(why("*/f", "x/"), ContainsSubstring("only in the last part"));
  CHECK_FALSE(harness.there("x"));
}

TEST_CASE("CopyFile: onto itself is no loss") {
  FileHarness harness;
  harness.write("f", "text");
  harness.link("link", "f");
  CHECK(harness.failure(copy_file(), copy(harness.at("f"), harness.at("f"))).empty());
  CHECK(harness.failure(copy_file(), copy(harness.at("f"), harness.at("link"))).empty());
  CHECK(harness.failure(copy_file(), copy(harness.at("*"), harness.folder.path().string() + "/"))
            .empty());
  CHECK(harness.read("f") == "text");
  CHECK(std::filesystem::is_symlink(harness.at("link")));
}

TEST_CASE("CopyFile: a big file is whole, and a deadline ends the copy without leaving a part") {
  FileHarness harness;
  const std::string big(3'000'001, 'z');
  harness.write("big", big);
  harness.does(copy_file(), copy(harness.at("big"), harness.at("copy")));
  CHECK(harness.read("copy") == big);
  harness.stop.request_stop();
  const Outcome outcome =
      harness.run(copy_file(), Value(Value::List{copy(harness.at("big"), harness.at("late"))}));
  CHECK(std::get<Failed>(outcome).cancelled);
  CHECK(harness.below() == Names{"big", "copy"});
}

TEST_CASE("CopyFile: a process that is killed in the middle leaves no part of the file") {
  FileHarness harness;
  if (!FileDescriptor(::open(harness.folder.path().c_str(), O_TMPFILE | O_RDWR, 0600))) return;
  const fs::path from = harness.write("big", std::string(3'000'001, 'z'));
  harness.write("old", "old");
  for (const char* name : {"old", "new"}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      int calls = 0;
      copy_one_file(from, harness.at(name), true, [&] {
        if (++calls == 3) ::kill(::getpid(), SIGKILL);
      });
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    // Where the file system shares the bytes at once, there is no middle.
    if (!WIFSIGNALED(status)) return;
    CHECK(harness.below() == Names{"big", "old"});
    CHECK(harness.read("old") == "old");
  }
}

TEST_CASE("CopyFile: wildcards are checked before the run") {
  const Action action = copy_file();
  CHECK(check_findings(action, copy("/a/*", "/b/")).empty());
  CHECK(check_findings(action, copy("/a/*", "{{ x }}")).empty());
  CHECK(check_findings(action, copy("{{ x }}", "/b")).empty());
  CHECK(check_findings(action, copy("/a/*", "/b")) ==
        Names{"with '*' in 'source' the destination has to be a folder"});
  CHECK(check_findings(action, copy("/*/a", "/b/")) ==
        Names{"'*' may stand only in the last part of 'source'"});
  CHECK(check_findings(action, copy("", "")).size() == 2);
}
