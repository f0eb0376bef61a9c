#include <sys/stat.h>

#include <cstdlib>

#include "actions/builtin_actions.hpp"
#include "actions/script.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value commands(const std::vector<std::string>& lines) {
  return Value::object({{"commands", ActionHarness::texts(lines)}});
}

struct Bash : ActionHarness {
  Bash() { use_real = true; }
  Outcome script(const std::vector<std::string>& lines) {
    return run(execute_bash(), commands(lines));
  }
  static std::string stdout_of(const Outcome& outcome) {
    const auto& succeeded = std::get<Succeeded>(outcome);
    REQUIRE(succeeded.outputs.size() == 1);
    return succeeded.outputs[0].find("stdout")->text();
  }
};

}  // namespace

TEST_CASE("ExecuteBash: all entries are one script in one shell") {
  Bash bash;
  CHECK(Bash::stdout_of(bash.script({"f() { echo $1; }", "cd /usr", "f here\npwd", "echo $0"}))
            .find("here\n/usr\n" + bash.folder.path().string()) == 0);
  CHECK(bash.pids.size() == 1);
}

TEST_CASE("ExecuteBash: only the last command counts, as no set -e is added") {
  Bash bash;
  CHECK(Bash::stdout_of(bash.script({"false", "echo $?"})) == "1");
  const auto failed = std::get<Failed>(bash.script({"echo partly", "echo why >&2", "exit 3"}));
  CHECK(failed.message == "exit code 3");
  CHECK(failed.exit_code == 3);
  REQUIRE(failed.outputs.size() == 1);
  CHECK(failed.outputs[0].find("stdout")->text() == "partly");
  CHECK(bash.err == "why\n");
}

TEST_CASE("ExecuteBash: the working directory is ours and the script is private and gone after") {
  Bash bash;
  const auto text = Bash::stdout_of(bash.script({"pwd", "stat -c %a $0 $(dirname $0)"}));
  CHECK(text == fs::current_path().string() + "\n600\n700");
  CHECK(fs::is_empty(bash.folder.path()));
}

TEST_CASE("ExecuteBash: only line ends at the end of stdout are removed") {
  Bash bash;
  CHECK(Bash::stdout_of(bash.script({"printf '  a \\n\\nb \\r\\n\\n'"})) == "  a \n\nb ");
  CHECK(bash.out == "  a \n\nb \r\n\n");  // the logs get it as it is
}

TEST_CASE("ExecuteBash: the context's environment reaches the script") {
  Bash bash;
  bash.environment = {{"TOEHOLD_STEP", "run step"}};
  CHECK(Bash::stdout_of(bash.script({"echo $TOEHOLD_STEP"})) == "run step");
}

TEST_CASE("ExecuteBash: exit code 194 asks for a reboot and the same step again") {
  Bash bash;
  const auto reboot = std::get<RebootRequired>(bash.script({"exit 194"}));
  CHECK(reboot.resume == RebootRequired::Resume::same_step);
}

TEST_CASE("ExecuteBash: notes tell what happens") {
  Bash bash;
  bash.script({"true"});
  REQUIRE(bash.notes.size() == 3);
  CHECK(bash.notes[0] == "ExecuteBash: STARTED EXECUTION");
  CHECK_THAT(bash.notes[1], StartsWith("ExecuteBash: Created temporary directory: " +
                                       bash.folder.path().string()));
  CHECK(bash.notes[2] == "ExecuteBash: FINISHED EXECUTION");
}

TEST_CASE("ExecuteBash: endings that are not the script's own") {
  ActionHarness harness;
  ScriptedProcess::Play play;
  SECTION("timeout, even if the script then says 194") {
    play.result.timed_out = true;
    play.result.exit_code = 194;
    harness.processes.add(play);
    const auto failed = std::get<Failed>(harness.run(execute_bash(), commands({"true"})));
    CHECK(failed.timed_out);
    CHECK_FALSE(failed.cancelled);
    CHECK(failed.message == "timed out");
  }
  SECTION("stop") {
    play.result.cancelled = true;
    harness.processes.add(play);
    CHECK(std::get<Failed>(harness.run(execute_bash(), commands({"true"}))).cancelled);
  }
  SECTION("signal") {
    play.result.signal = 6;
    harness.processes.add(play);
    const auto failed = std::get<Failed>(harness.run(execute_bash(), commands({"true"})));
    CHECK(failed.message == "killed by SIGABRT");
    CHECK_FALSE(failed.exit_code);
  }
  SECTION("no bash") {
    play.result.start_error = "bash: not found in PATH";
    harness.processes.add(play);
    const auto failed = std::get<Failed>(harness.run(execute_bash(), commands({"true"})));
    CHECK(failed.message == "cannot start: bash: not found in PATH");
    CHECK(failed.outputs.empty());
  }
  SECTION("a daemon that holds the output is no failure, but is told of") {
    play.result.exit_code = 0;
    play.result.output_held = true;
    harness.processes.add(play);
    CHECK(std::holds_alternative<Succeeded>(harness.run(execute_bash(), commands({"true"}))));
    CHECK_THAT(harness.notes[2], ContainsSubstring("still holds its output"));
  }
}

TEST_CASE("ExecuteBash: deadline and stop reach the process") {
  ActionHarness harness;
  harness.processes.add_exit(0);
  harness.deadline = Deadline(std::chrono::steady_clock::now());
  harness.run(execute_bash(), commands({"true"}));
  CHECK(harness.processes.deadlines.at(0).at() == harness.deadline.at());
}

TEST_CASE("ExecuteBash: a long stdout is cut and marked") {
  ActionHarness harness;
  const auto outputs = [&](std::string out) {
    harness.processes.add_exit(0, std::move(out));
    harness.processes.add_exit(0);
    const auto outcome = harness.run(execute_bash(), commands({"true"}));
    return std::get<Succeeded>(outcome).outputs.at(0);
  };
  SECTION("exactly the limit is whole") {
    const Value whole = outputs(std::string(most_captured_output, 'x'));
    CHECK(whole.find("stdout")->text().size() == most_captured_output);
    CHECK_FALSE(whole.find("stdoutTruncated"));
  }
  SECTION("of one more a part is kept, and marked") {
    const Value cut = outputs(std::string(most_captured_output + 1, 'x'));
    CHECK(cut.find("stdout")->text() == std::string(most_of_truncated_output, 'x'));
    REQUIRE(cut.find("stdoutTruncated"));
    CHECK(cut.find("stdoutTruncated")->as_bool() == true);
    CHECK(harness.out.size() == most_captured_output + 1);
  }
  const std::string rest(most_captured_output, '-');
  SECTION("a character is not split") {
    const Value cut = outputs(std::string(most_of_truncated_output - 1, 'x') + "\u20ac" + rest);
    CHECK(cut.find("stdout")->text() == std::string(most_of_truncated_output - 1, 'x'));
  }
  SECTION("a whole one at the limit stays") {
    const Value cut = outputs(std::string(most_of_truncated_output - 3, 'x') + "\u20ac" + rest);
    CHECK(cut.find("stdout")->text() == std::string(most_of_truncated_output - 3, 'x') + "\u20ac");
  }
}

TEST_CASE("ExecuteBash: bytes that are no text become replacement characters in stdout only") {
  Bash bash;
  CHECK(Bash::stdout_of(bash.script({"printf 'a\\377b'"})) ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(bash.out ==
        "a\xff"
        "b");
}
