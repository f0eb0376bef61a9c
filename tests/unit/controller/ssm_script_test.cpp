#include "runner/controller/ssm_script.hpp"

#include "runner/base/error.hpp"
#include "runner/base/process.hpp"
#include "runner/base/text.hpp"
#include "runner/report/relayed_output.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// What the script prints when `sh` runs it here.
std::string printed_by(const SsmScript& script) {
  std::string out;
  Command command;
  command.argv = {"sh", "-c", join(script.lines, "\n")};
  RealProcessRunner().run(command,
                          [&](Stream stream, std::string_view bytes) {
                            if (stream == Stream::out) out += bytes;
                          },
                          {}, {}, {});
  return out;
}

}  // namespace

TEST_CASE("what varies is in the first line, of an alphabet that no shell minds") {
  const std::vector<std::string> nasty{"a'b", "$(touch /x)", "`id`", "{{ssm:p}}", "x\ny\n", ""};
  const SsmScript script = relay_script("/no/agent", "00ff", "{\"s\": \"'\"}", nasty);
  const SsmScript other = relay_script("/other", "11", "", {"true"});
  REQUIRE(script.lines.size() == 3);
  CHECK(script.lines[1] == other.lines[1]);
  CHECK(script.lines[2] == other.lines[2]);
  CHECK(script.lines[0].find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= '") ==
        std::string::npos);
  for (const std::string& line : script.lines) CHECK(line.find("{{") == std::string::npos);
  CHECK_THROWS_AS(relay_script("/a", "00", "", {std::string("a\0b", 3)}), Error);
}

TEST_CASE("without an agent the shell answers, whatever the words are") {
  const SsmScript script = relay_script("/no/agent", "00ff", "",
                                        {"sh", "-c", "printf '%s|' \"$@\"; echo e >&2; exit 194",
                                         "sh", "a'b\"", "$(false) *", "x\n", ""});
  const auto answer = find_answer(printed_by(script), "00ff");
  REQUIRE(answer);
  CHECK(answer->kind == "shell");
  CHECK(answer->parts == std::vector<std::string>{"194", "a'b\"|$(false) *|x\n||", "e\n", "22"});
}

TEST_CASE("without an agent and words there is nothing to ask") {
  const auto answer = find_answer(printed_by(relay_script("/no/agent", "00ff", "{}", {})), "00ff");
  REQUIRE(answer);
  CHECK(answer->kind == "gone");
}
