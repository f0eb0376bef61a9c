#include "actions/builtin_actions.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("ExecutePowerShell: commands become a script file, a file is run as it is") {
  ActionHarness harness;
  harness.processes.add_exit(0, "7.4\r\n");
  const auto outcome =
      harness.run(execute_powershell(),
                  Value::object({{"commands", ActionHarness::texts({"$PSVersionTable"})}}));
  CHECK(std::get<Succeeded>(outcome).outputs.at(0).find("stdout")->text() == "7.4");
  harness.run(execute_powershell(), Value::object({{"file", "/opt/setup.ps1"}}));
  const auto& made = harness.processes.commands.at(0).argv;
  CHECK(made.front() == "pwsh");
  CHECK_THAT(made.back(), ContainsSubstring(harness.folder.path().string()));
  CHECK_THAT(made.back(), ContainsSubstring("/script.ps1"));
  CHECK(harness.processes.commands.at(1).argv.back() == "/opt/setup.ps1");
}

TEST_CASE("ExecutePowerShell: the reboot code of Windows arrives as 194") {
  ActionHarness harness;
  harness.processes.add_exit(3010 & 0xff);
  CHECK(std::holds_alternative<RebootRequired>(
      harness.run(execute_powershell(), Value::object({{"file", "/opt/setup.ps1"}}))));
}

TEST_CASE("ExecutePowerShell: it is one of commands and file") {
  const auto problems = [](const Value& inputs) {
    Diagnostics diagnostics(nullptr);
    execute_powershell().info.check(
        inputs, [](const Value&) { return false; }, diagnostics);
    return diagnostics.error_count();
  };
  const Value commands = ActionHarness::texts({"x"});
  CHECK(problems(Value::object({{"commands", commands}})) == 0);
  CHECK(problems(Value::object({{"file", "x.ps1"}})) == 0);
  CHECK(problems(Value::object({{"commands", commands}, {"file", "x.ps1"}})) == 1);
  CHECK(problems(Value(Value::Map())) == 1);
  ActionHarness harness;
  CHECK(std::holds_alternative<Failed>(harness.run(execute_powershell(), Value(Value::Map()))));
}

TEST_CASE("ExecutePowerShell: on Linux it is for machines that have pwsh") {
  const bool there = find_in_path("pwsh").has_value();
  CHECK(((execute_powershell().info.platforms & linux_only) != 0) == there);
}
