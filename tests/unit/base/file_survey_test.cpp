#include "runner/base/file_survey.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

namespace toehold {

namespace {

class Tree {
 public:
  Tree() { fs::create_directories(root); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
  }
  /// What became of what, without the root's own path.
  std::vector<std::string> changes() {
    FileSurvey now = survey_files(root, skipped, {});
    std::vector<std::string> lines;
    found = compare_surveys(last_, now);
    for (const ChangedFile& file : found) {
      lines.push_back(file.change + " " + file.type + " " + file.path.substr(root.string().size()));
    }
    last_ = std::move(now);
    return lines;
  }

  const TempDirectory folder{fs::temp_directory_path(), "toehold-test-"};
  const fs::path root = folder.path() / "root";
  std::vector<std::string> skipped;
  std::vector<ChangedFile> found;

 private:
  FileSurvey last_;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("Two surveys tell what was changed between them") {
  Tree tree;
  tree.write("a", "one");
  tree.write("a-b/file", "two");
  tree.write("a.d/inner", "three");
  CHECK(tree.changes() == Lines{"added file /a", "added folder /a-b", "added file /a-b/file",
                                "added folder /a.d", "added file /a.d/inner"});
  CHECK(tree.changes() == Lines{});

  tree.write("a", "ONE");  // of the same length
  fs::create_symlink("a", tree.root / "link");
  fs::remove_all(tree.root / "a-b");
  fs::permissions(tree.root / "a.d", fs::perms(0700));
  CHECK(tree.changes() == Lines{"changed file /a", "removed folder /a-b", "removed file /a-b/file",
                                "changed folder /a.d", "added symlink /link"});
  CHECK(tree.found[0].sha256 == "2192e8955d5e1ad1651f2f0c637e6f1ac82855747a5f42f978db28669595dc21");
  CHECK(tree.found[0].size == 3);
  CHECK(tree.found[3].mode == "0700");
  CHECK(tree.found[4].target == "a");

  // A folder of which only the names changed did not change itself.
  tree.write("a.d/more", "");
  CHECK(tree.changes() == Lines{"added file /a.d/more"});
}

TEST_CASE("A change within the same tick of the clock is seen, with the old time, too") {
  Tree tree;
  for (int round = 0; round < 10; ++round) {
    tree.write("file", std::to_string(round));
    CHECK(tree.changes().size() == 1);
  }
  struct stat status {};
  REQUIRE(::stat((tree.root / "file").c_str(), &status) == 0);
  tree.write("file", "x");
  const timespec times[2] = {status.st_atim, status.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, (tree.root / "file").c_str(), times, 0) == 0);
  CHECK(tree.changes() == Lines{"changed file /file"});
}

TEST_CASE("What is skipped is not looked at, nor what was below it") {
  Tree tree;
  tree.skipped = {tree.root / "logs", tree.root / "etc/hosts"};
  tree.write("logs/one", "");
  tree.write("etc/hosts", "");
  CHECK(tree.changes() == Lines{"added folder /etc"});
  tree.write("logs/two", "");
  CHECK(tree.changes() == Lines{});
}

TEST_CASE("Mounts of memory, networks and parts of file systems are from elsewhere") {
  CHECK(mounts_from_elsewhere("22 1 254:0 / / rw - ext4 /dev/vda rw\n"
                              "23 22 0:5 / /dev rw - devtmpfs devtmpfs rw\n"
                              "24 22 254:1 / /var rw - xfs /dev/vdb rw\n"
                              "25 22 254:1 /lib/x /srv/x rw - xfs /dev/vdb rw\n"
                              "26 22 254:1 / /again rw - xfs /dev/vdb rw\n"
                              "27 22 0:30 /@home /home rw - btrfs /dev/vdc rw\n"
                              "28 22 0:31 / /mnt/net rw - nfs4 server:/x rw\n"
                              "29 22 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro\n"
                              "30 22 254:0 / /bind rw - ext4 /dev/vda rw\n") ==
        Lines{"/dev", "/srv/x", "/again", "/mnt/net", "/snap/core/1", "/bind"});
  // A container: the host's disk shows only in parts.
  CHECK(mounts_from_elsewhere("1 0 0:50 / / rw - overlay overlay rw,lowerdir=/x\n"
                              "2 1 254:0 /var/run/hosts /etc/hosts rw - ext4 /dev/vda rw\n") ==
        Lines{"/etc/hosts"});
}

}  // namespace toehold
