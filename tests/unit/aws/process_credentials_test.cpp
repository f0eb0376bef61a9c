#include "tests/support/aws_credentials.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

using Words = std::vector<std::string>;

TEST_CASE("words are split as a shell does it, and nothing is expanded") {
  CHECK(shell_words("a  b\tc") == Words{"a", "b", "c"});
  CHECK(shell_words(R"(a 'b c' "d e"f g\ h)") == Words{"a", "b c", "d ef", "g h"});
  CHECK(shell_words(R"('a\b' "c\"d\e\\")") == Words{"a\\b", "c\"d\\e\\"});
  CHECK(shell_words("a '' \"\"") == Words{"a", "", ""});
  CHECK(shell_words("$HOME `x` ; > |") == Words{"$HOME", "`x`", ";", ">", "|"});
  CHECK(shell_words("  ") == Words{});
  CHECK_FALSE(shell_words("a 'b"));
  CHECK_FALSE(shell_words("a \"b"));
  CHECK_FALSE(shell_words("a\\"));
}

TEST_CASE("a program of the profile gives credentials") {
  CredentialHarness harness;
  harness.config("[profile x]\ncredential_process = /opt/tool --for 'my account'\n");
  harness.processes.add_exit(0, R"({"Version": 1, "AccessKeyId": "K", "SecretAccessKey": "S",
      "SessionToken": "T", "Expiration": "2030-01-01T00:00:00Z"})");
  CHECK(harness.found("x") == "K S T | credential_process of profile x");
  CHECK(harness.processes.commands[0].argv == Words{"/opt/tool", "--for", "my account"});
  CHECK(harness.find("x").expires == 1893456000000);
}

TEST_CASE("a program that gives none says why, and its output is not shown") {
  CredentialHarness harness;
  harness.config("[profile x]\ncredential_process = tool -v\n[profile y]\ncredential_process='a\n");
  SECTION("it fails") {
    harness.processes.add_exit(3, "SECRET", "first\nnot logged in\033[0m\n");
    CHECK(harness.found("x") ==
          "credential_process of profile x: exit code 3: not logged in | try it: tool -v");
  }
  SECTION("it is not there") {
    ScriptedProcess::Play play;
    play.result.start_error = "tool: not found in PATH";
    harness.processes.add(play);
    CHECK_THAT(harness.found("x"), ContainsSubstring("tool: not found in PATH"));
  }
  SECTION("it prints something else") {
    harness.processes.add_exit(0, "SECRET");
    CHECK_THAT(harness.found("x"),
               ContainsSubstring("not valid JSON") && !ContainsSubstring("SECRET"));
  }
  SECTION("it prints another version") {
    harness.processes.add_exit(0, R"({"Version": 2, "AccessKeyId": "K", "SecretAccessKey": "S"})");
    CHECK_THAT(harness.found("x"), ContainsSubstring("Version is not 1"));
  }
  SECTION("it is no command") {
    CHECK_THAT(harness.found("y"), ContainsSubstring("a quote has no end"));
  }
}
