#include "actions/builtin_actions.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value inputs(const std::string& path, const std::vector<std::string>& arguments = {}) {
  return Value::object({{"path", path}, {"arguments", ActionHarness::texts(arguments)}});
}

}  // namespace

TEST_CASE("ExecuteBinary: arguments are passed on as they are, without a shell") {
  ActionHarness harness;
  harness.use_real = true;
  const auto outcome = harness.run(
      execute_binary(), inputs("printf", {"[%s]", "a b", "$HOME", "*", "", "'; exit 1"}));
  CHECK(std::get<Succeeded>(outcome).outputs.at(0).find("stdout")->text() ==
        "[a b][$HOME][*][]['; exit 1]");
}

TEST_CASE("ExecuteBinary: arguments may stay away") {
  ActionHarness harness;
  harness.processes.add_exit(0, "ok\n");
  const auto outcome = harness.run(execute_binary(), Value::object({{"path", "/bin/tool"}}));
  CHECK(std::get<Succeeded>(outcome).outputs.at(0).find("stdout")->text() == "ok");
  CHECK(harness.processes.commands.at(0).argv == std::vector<std::string>{"/bin/tool"});
  CHECK(harness.processes.commands.at(0).working_directory.empty());
}

TEST_CASE("ExecuteBinary: failures say what and why") {
  ActionHarness harness;
  harness.use_real = true;
  const auto message = [&](const Value& given) {
    return std::get<Failed>(harness.run(execute_binary(), given)).message;
  };
  CHECK(message(inputs("toehold-no-such-program")) ==
        "cannot start: toehold-no-such-program: not found in PATH");
  CHECK(message(inputs("/no/such")) == "cannot start: /no/such: No such file or directory");
  CHECK_THAT(message(inputs("/etc/passwd")), ContainsSubstring("Permission denied"));
  CHECK_THAT(message(inputs("true", {std::string(300 * 1024, 'x')})),
             ContainsSubstring("larger than the kernel takes"));
  CHECK(message(inputs("false")) == "exit code 1");
  CHECK_THAT(message(inputs("")), ContainsSubstring("'path' is empty"));
  CHECK_THAT(message(inputs("echo", {std::string("a\0b", 3)})), ContainsSubstring("NUL"));
}

TEST_CASE("ExecuteBinary: exit code 194 asks for a reboot") {
  ActionHarness harness;
  harness.processes.add_exit(194);
  CHECK(std::holds_alternative<RebootRequired>(harness.run(execute_binary(), inputs("tool"))));
}
