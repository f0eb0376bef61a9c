#include "runner/controller/console_end.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("an error shows the last lines of a console, without control characters") {
  std::string console;
  for (int line = 1; line <= 30; ++line) console += "line " + std::to_string(line) + "\r\n";
  const std::string end = console_end(console + "\x1b[31mred\n\n \n");
  CHECK(end.starts_with("\nIts console ends with\n  line 12\n"));
  CHECK_THAT(end, !ContainsSubstring("line 11\n") && !ContainsSubstring("\x1b"));
  CHECK_THAT(end, ContainsSubstring("\n  line 30\n"));
  CHECK(end.ends_with("red"));
}

TEST_CASE("a console that is empty is told as such") {
  CHECK(console_end("") == "\nThere is nothing on its console");
  CHECK(console_end("\n \r\n") == "\nThere is nothing on its console");
}
