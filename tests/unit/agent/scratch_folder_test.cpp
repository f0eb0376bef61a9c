#include <sys/stat.h>

#include <fstream>
#include <optional>

#include "runner/agent/run_directory.hpp"
#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("the scratch folder is private, is gone after and takes what was left along") {
  const TempDirectory state(fs::temp_directory_path(), "toehold-test-");
  std::optional<ScratchFolder> scratch(std::in_place, state.path());
  const fs::path path = scratch->path();
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);

  // What a killed process of the same state folder would leave, and one of another.
  const std::string name = path.filename().string();
  const fs::path left = path.parent_path() / (name.substr(0, name.size() - 6) + "ABCDEF");
  const fs::path other = path.parent_path() / "toehold-0000000000000000-ABCDEF";
  fs::create_directory(left);
  fs::create_directory(other);
  std::ofstream(left / "input.sh") << "true\n";
  scratch.reset();
  CHECK_FALSE(fs::exists(path));
  scratch.emplace(state.path());
  CHECK_FALSE(fs::exists(left));
  CHECK(fs::exists(other));
  fs::remove(other);
}
