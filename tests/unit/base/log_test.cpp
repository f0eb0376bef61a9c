#include "runner/base/log.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("the log holds dated lines and is ours alone") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  const auto path = folder.path() / "application.log";
  log(LogLevel::error, "before");
  open_log(path, false);
  log(LogLevel::info, "first");
  log(LogLevel::warning, "second {}\nforged \x1b[31mline");
  CHECK(read_file(path).find("second") != std::string::npos);  // written at once
  close_log();
  log(LogLevel::error, "after");
  const std::string text = read_file(path);
  CHECK(std::regex_match(
      text, std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info first\n"
                       "[^\n]*Z warning second \\{\\}\\\\nforged line\n")));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a log that is there is added to, and a link is not followed") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  const auto path = folder.path() / "application.log";
  open_log(path, false);
  log(LogLevel::info, "one");
  open_log(path, false);
  log(LogLevel::info, "two");
  close_log();
  CHECK(read_file(path).find("one") != std::string::npos);
  CHECK(read_file(path).find("two") != std::string::npos);
  fs::create_symlink("elsewhere", folder.path() / "link");
  CHECK_THROWS_AS(open_log(folder.path() / "link", false), Error);
  CHECK_THROWS_AS(open_log("/no/such/folder/application.log", false), Error);
}
