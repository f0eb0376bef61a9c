#include "actions/file_tree.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "actions/builtin_actions.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("file names: a star stands for any run of characters, alone") {
  CHECK(wildcard_matches("*", ""));
  CHECK(wildcard_matches("*", ".hidden"));
  CHECK(wildcard_matches("*.txt", "a.txt"));
  CHECK(wildcard_matches("a*c", "abbc"));
  CHECK(wildcard_matches("a**c", "ac"));
  CHECK(wildcard_matches("*a*a*", "xaxax"));
  CHECK(wildcard_matches("*ab", "aab"));
  CHECK_FALSE(wildcard_matches("*.txt", "a.txt.gz"));
  CHECK_FALSE(wildcard_matches("a*", "ba"));
  CHECK_FALSE(wildcard_matches("?", "a"));
  CHECK_FALSE(wildcard_matches("[a]", "a"));
  CHECK_FALSE(wildcard_matches("A*", "a"));
  // Hopeless patterns take no exponential time.
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  CHECK_FALSE(wildcard_matches(pattern + "b", std::string(200, 'a')));
}

TEST_CASE("modes: three or four octal digits") {
  CHECK(parse_mode("755") == 0755u);
  CHECK(parse_mode("0755") == 0755u);
  CHECK(parse_mode("0o755") == 0755u);
  CHECK(parse_mode("1777") == 01777u);
  CHECK(parse_mode("493") == std::nullopt);
  for (const char* wrong : {"", "7", "75", "00755", "0855", "0o75x", "o755", "0O755", " 755"}) {
    INFO(wrong);
    CHECK_FALSE(parse_mode(wrong));
  }
}

TEST_CASE("folders of the system are never deleted") {
  for (const char* path : {"/", "//", "/.", "/usr/..", "/etc", "/usr/", "/var", "/home", "/proc"}) {
    INFO(path);
    CHECK_THROWS_WITH(check_removable(path), ContainsSubstring("folder of the system"));
  }
  FileHarness harness;
  harness.link("root", "/");
  CHECK_THROWS_WITH(check_removable(harness.at("root")), ContainsSubstring("folder of the system"));
  CHECK_NOTHROW(check_removable(harness.folder.path()));
}

TEST_CASE("a folder can be deleted as its own '.' and '..'") {
  FileHarness harness;
  harness.write("a/b/f", "");
  remove_tree(harness.at("a/b/."), [] {});
  CHECK(harness.below() == Names{"a"});
  harness.make_folder("a/b");
  remove_tree(harness.at("a/b/.."), [] {});
  CHECK(harness.below().empty());
}

TEST_CASE("nothing below / is changed at once") {
  CHECK_THROWS_WITH(change_tree("/", Wanted::folders, true, {}, [] {}),
                    ContainsSubstring("everything below /"));
}

TEST_CASE("every file action has what the reference page shows") {
  for (const Action& action :
       {create_file(), append_file(), copy_file(), move_file(), delete_file(), read_file_action(),
        list_files(), create_folder(), copy_folder(), move_folder(), delete_folder(),
        create_symlink(), set_file_permissions(), set_file_owner(), set_file_encoding(),
        set_folder_permissions(), set_folder_owner()}) {
    INFO(action.info.name);
    CHECK(action.info.shape == InputShape::each_item);
    CHECK(action.info.check);
    CHECK_THAT(action.info.example, ContainsSubstring("action: " + action.info.name));
    for (const FieldInfo& field : action.info.inputs) {
      INFO(field.name);
      CHECK(field.doc.ends_with("."));
      CHECK(field.required == field.default_text.empty());
    }
    const bool posix =
        action.info.name.starts_with("SetFolder") || action.info.name == "SetFileOwner" ||
        action.info.name == "SetFilePermissions" || action.info.name == "CreateSymlink";
    CHECK(((action.info.platforms & windows_only) == 0) == posix);
  }
}

TEST_CASE("files that are mount points keep their place and get the content") {
  FileHarness harness;
  if (!FileHarness::root()) return;
  harness.write("mounted", "old");
  harness.write("etc/hosts", "hidden");
  harness.write("from/hosts", "copied");
  harness.write("moved", "moved");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string hosts = harness.at("etc/hosts");
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(harness.at("mounted").c_str(), hosts.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      ::_exit(77);
    }
    const auto pair = [&](const std::string& from, const std::string& to) {
      return Value::object({{"source", harness.at(from)}, {"destination", harness.at(to)}});
    };
    const Value made = Value::object({{"path", hosts}, {"content", "made"}});
    const auto gives = [&](const Action& action, const Value& input, const char* content) {
      return harness.failure(action, input).empty() && harness.read("mounted") == content;
    };
    const bool good = gives(create_file(), made, "made") &&
                      gives(copy_folder(), pair("from", "etc"), "copied") &&
                      gives(move_file(), pair("moved", "etc/hosts"), "moved");
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) return;  // no right to mount here
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(harness.below() == Names{"etc", "etc/hosts", "from", "from/hosts", "mounted"});
  CHECK(harness.read("etc/hosts") == "hidden");
}
