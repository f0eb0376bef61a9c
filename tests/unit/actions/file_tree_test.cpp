#include "actions/file_tree.hpp"

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("file names: a star stands for any run of characters, alone") {
  CHECK(name_matches("*", ""));
  CHECK(name_matches("*", ".hidden"));
  CHECK(name_matches("*.txt", "a.txt"));
  CHECK(name_matches("a*c", "abbc"));
  CHECK(name_matches("a**c", "ac"));
  CHECK(name_matches("*a*a*", "xaxax"));
  CHECK(name_matches("*ab", "aab"));
  CHECK_FALSE(name_matches("*.txt", "a.txt.gz"));
  CHECK_FALSE(name_matches("a*", "ba"));
  CHECK_FALSE(name_matches("?", "a"));
  CHECK_FALSE(name_matches("[a]", "a"));
  CHECK_FALSE(name_matches("A*", "a"));
  // Hopeless patterns take no exponential time.
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "a*";
  CHECK_FALSE(name_matches(pattern + "b", std::string(200, 'a')));
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
