#include <fcntl.h>
#include <stdio.h>

#include <atomic>
#include <thread>

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value copy(const std::string& source, const std::string& destination, bool overwrite = true) {
  return Value::object(
      {{"source", source}, {"destination", destination}, {"overwrite", overwrite}});
}

void make_site(FileHarness& harness) {
  harness.write("site/index.html", "index", 0640);
  harness.write("site/.hidden", "h", 0600);
  harness.make_folder("site/empty", 0711);
  harness.write("site/sub/deep/page", "page");
  harness.link("site/link", "sub/deep/page");
  harness.link("site/outside", "/etc");
  harness.link("site/dangling", "nowhere");
}

const Names site_names{".hidden", "dangling", "empty",    "index.html",   "link",
                       "outside", "sub",      "sub/deep", "sub/deep/page"};

}  // namespace

TEST_CASE("CopyFolder: everything below, with permissions, links as links") {
  FileHarness harness;
  make_site(harness);
  CHECK(harness.does(copy_folder(), copy(harness.at("site"), harness.at("new/www"))).is_null());
  CHECK(harness.below("new/www") == site_names);
  CHECK(harness.mode("new/www/index.html") == 0640);
  CHECK(harness.mode("new/www/.hidden") == 0600);
  CHECK(harness.mode("new/www/empty") == 0711);
  CHECK(harness.mode("new/www") == harness.mode("site"));
  CHECK(std::filesystem::read_symlink(harness.at("new/www/outside")) == "/etc");
  CHECK(std::filesystem::read_symlink(harness.at("new/www/dangling")) == "nowhere");
  CHECK(harness.below("site") == site_names);
}

TEST_CASE("CopyFolder: a separator at the end means into that folder; a star takes folders") {
  FileHarness harness;
  harness.write("from/v1/a", "1");
  harness.write("from/v2/b", "2");
  harness.write("from/vfile", "3");
  harness.link("from/vlink", "v1");
  harness.does(copy_folder(), copy(harness.at("from/v1/"), harness.at("into/")));
  CHECK(harness.below("into") == Names{"v1", "v1/a"});
  harness.does(copy_folder(), copy(harness.at("from/v*"), harness.at("all/")));
  CHECK(harness.below("all") == Names{"v1", "v1/a", "v2", "v2/b"});
}

TEST_CASE("CopyFolder: goes into a folder that exists, file over file") {
  FileHarness harness;
  make_site(harness);
  harness.write("www/index.html", "old", 0600);
  harness.write("www/mine", "mine");
  harness.make_folder("www/empty", 0700);
  harness.write("elsewhere", "untouched");
  harness.link("www/link", harness.at("elsewhere"));
  harness.does(copy_folder(), copy(harness.at("site"), harness.at("www")));
  CHECK(harness.read("www/index.html") == "index");
  CHECK(harness.mode("www/index.html") == 0600);  // as CopyFile: what exists keeps its mode
  CHECK(harness.mode("www/empty") == 0700);
  CHECK(harness.read("www/mine") == "mine");
  CHECK(std::filesystem::read_symlink(harness.at("www/link")) == "sub/deep/page");
  CHECK(harness.read("elsewhere") == "untouched");
  CHECK_THAT(harness.failure(copy_folder(), copy(harness.at("site"), harness.at("www"), false)),
             ContainsSubstring("exists and overwrite is false"));
}

TEST_CASE("CopyFolder: conflicts are found before anything is copied") {
  FileHarness harness;
  make_site(harness);
  SECTION("a file in the way of a folder") {
    harness.write("www/sub", "file");
  }
  SECTION("a folder in the way of a file") {
    harness.make_folder("www/index.html");
  }
  SECTION("a link in the way of a folder is not followed") {
    harness.make_folder("www");
    harness.make_folder("victim");
    harness.link("www/sub", harness.at("victim"));
  }
  const Names before = harness.below();
  CHECK_THAT(harness.failure(copy_folder(), copy(harness.at("site"), harness.at("www"))),
             ContainsSubstring("cannot take its place"));
  CHECK(harness.below() == before);
}

TEST_CASE("CopyFolder: errors say what is wrong") {
  FileHarness harness;
  make_site(harness);
  harness.write("f", "");
  const auto why = [&](const std::string& from, const std::string& to) {
    return harness.failure(copy_folder(), copy(harness.at(from), harness.at(to)));
  };
  CHECK_THAT(why("none", "x"), ContainsSubstring("does not exist"));
  CHECK_THAT(why("f", "x"), ContainsSubstring("is not a folder"));
  CHECK_THAT(why("site", "f"), ContainsSubstring("exists and is not a folder"));
  CHECK_THAT(why("site", "site"), ContainsSubstring("the same folder"));
  CHECK_THAT(why("site", "site/"), ContainsSubstring("is inside of"));
  CHECK_THAT(why("site", "site/new/deep"), ContainsSubstring("is inside of"));
  harness.link("alias", "site");
  CHECK_THAT(why("site", "alias/new"), ContainsSubstring("is inside of"));
  CHECK_THAT(why("x*", "y/"), ContainsSubstring("no folder fits"));
  CHECK(harness.below("site") == site_names);
}

TEST_CASE("CopyFolder: pipes are made again and set-id bits stay behind") {
  FileHarness harness;
  harness.write("from/tool", "x");
  REQUIRE(::chmod(harness.at("from/tool").c_str(), 06755) == 0);
  REQUIRE(::mkfifo(harness.at("from/pipe").c_str(), 0622) == 0);
  harness.make_folder("from/tmp", 07777);
  harness.does(copy_folder(), copy(harness.at("from"), harness.at("to")));
  CHECK(harness.mode("to/tool") == 0755);
  CHECK(harness.mode("to/tmp") == 01777);
  CHECK(S_ISFIFO(harness.status("to/pipe").st_mode));
  CHECK_FALSE(harness.there("to/pipe.tmp"));
}

TEST_CASE("CopyFolder: deep and wide trees") {
  FileHarness harness;
  std::string deep = "from";
  for (int i = 0; i < 100; ++i) deep += "/d" + std::to_string(i);
  harness.write(deep + "/bottom", "here");
  for (int i = 0; i < 100; ++i) harness.make_folder("from/w" + std::to_string(i));
  harness.does(copy_folder(), copy(harness.at("from"), harness.at("to")));
  CHECK(harness.below("to") == harness.below("from"));
}

TEST_CASE("CopyFolder: a folder swapped for a link in the middle lets nothing in from outside") {
  FileHarness harness;
  harness.write("secret/f", "secret");
  harness.link("swap", harness.at("secret"));
  for (int round = 0; round < 15; ++round) {
    const std::string from = "from" + std::to_string(round);
    harness.write(from + "/a/f", "public");
    std::atomic<bool> done = false;
    std::thread attacker([&] {
      while (!done) {
        ::renameat2(AT_FDCWD, harness.at(from + "/a").c_str(), AT_FDCWD, harness.at("swap").c_str(),
                    RENAME_EXCHANGE);
      }
    });
    const std::string to = "to" + std::to_string(round);
    const std::string why = harness.failure(copy_folder(), copy(harness.at(from), harness.at(to)));
    done = true;
    attacker.join();
    INFO(why);
    if (harness.there(to + "/a") && !std::filesystem::is_symlink(harness.at(to + "/a")) &&
        harness.there(to + "/a/f")) {
      CHECK(harness.read(to + "/a/f") == "public");
    }
    if (std::filesystem::is_symlink(harness.at(from + "/a"))) {
      std::filesystem::rename(harness.at(from + "/a"), harness.at("keep"));
      std::filesystem::rename(harness.at("swap"), harness.at(from + "/a"));
      std::filesystem::rename(harness.at("keep"), harness.at("swap"));
    }
  }
  CHECK(harness.read("secret/f") == "secret");
}
