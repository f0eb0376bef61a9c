#include "runner/base/platform.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// Sets PATH for a scope.
class Path {
 public:
  explicit Path(const std::string& value) : before_(std::getenv("PATH")) {
    ::setenv("PATH", value.c_str(), 1);
  }
  ~Path() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

void make_program(const fs::path& path, fs::perms mode = fs::perms::owner_all) {
  std::ofstream(path) << "#!/bin/sh\n";
  fs::permissions(path, mode);
}

}  // namespace

TEST_CASE("the platform is this machine") {
  const Platform platform = read_platform();
  CHECK(platform.os == "linux");
  CHECK_FALSE(platform.os_name.empty());
  CHECK_FALSE(platform.os_id.empty());
  CHECK(platform.os_name.find('"') == std::string::npos);
  char name[256];
  REQUIRE(::gethostname(name, sizeof name) == 0);
  CHECK(platform.hostname == name);
  CHECK(platform.boot_id == read_platform().boot_id);
  CHECK(platform.boot_id.size() == 36);
  CHECK(platform.root == (::geteuid() == 0));
}

TEST_CASE("a program is found as execvp would") {
  const TempDirectory first(fs::temp_directory_path(), "toehold-test-");
  const TempDirectory second(fs::temp_directory_path(), "toehold-test-");
  const Path path(first.path().string() + ":" + second.path().string());
  CHECK_FALSE(find_in_path("tool"));
  make_program(second.path() / "tool");
  CHECK(find_in_path("tool") == (second.path() / "tool").string());
  make_program(first.path() / "tool", fs::perms::owner_read);  // not executable: passed over
  CHECK(find_in_path("tool") == (second.path() / "tool").string());
  fs::create_directory(first.path() / "folder");
  CHECK_FALSE(find_in_path("folder"));
  CHECK(find_in_path((second.path() / "tool").string()) == (second.path() / "tool").string());
  CHECK_FALSE(find_in_path(""));
}

TEST_CASE("UUIDs have their version, their variant and no twin") {
  const std::regex random("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::regex timed("[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string a = new_uuid();
    const std::string b = new_time_uuid();
    CHECK(std::regex_match(a, random));
    CHECK(std::regex_match(b, timed));
    CHECK(seen.insert(a).second);
    CHECK(seen.insert(b).second);
  }
}

TEST_CASE("a time-based UUID holds the time, in 100 ns since 1582") {
  const std::string id = new_time_uuid();
  const auto number = [&](std::size_t at, std::size_t count) {
    return std::stoull(id.substr(at, count), nullptr, 16);
  };
  const auto ticks = (number(15, 3) << 48) | (number(9, 4) << 32) | number(0, 8);
  const auto unix_seconds = ticks / 10000000 - 12219292800ULL;
  const auto now = static_cast<unsigned long long>(std::time(nullptr));
  CHECK(unix_seconds <= now);
  CHECK(unix_seconds + 5 >= now);
}
