#include "runner/base/mount_points.hpp"

#include "tests/support/catch.hpp"

namespace toehold {

TEST_CASE("Mounts are read as the kernel writes them") {
  const auto mounts = parse_mountinfo(
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "23 22 0:21 /part\\011 /mnt/a\\040b\\134c\\ rw master:1 shared:2 - tmpfs no\\040name rw\n"
      "24 22 0:22 / /half rw\n"
      "\n");
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[0].point == "/");
  CHECK(mounts[0].device == "254:0");
  CHECK(mounts[0].type == "ext4");
  CHECK(mounts[0].source == "/dev/vda");
  CHECK(mounts[1].point == "/mnt/a b\\c\\");
  CHECK(mounts[1].root == "/part\t");
  CHECK(mounts[1].source == "no name");
}

}  // namespace toehold
