#include "actions/builtin_actions.hpp"
#include "actions/script.hpp"

namespace toehold {

namespace {

struct PowerShell {
  std::vector<std::string> commands;
  std::string file;
};

constexpr const char* one_of_two = "ExecutePowerShell takes either 'commands' or 'file'";

void check(const Value& item, const Deferred&, Diagnostics& diagnostics) {
  const bool commands = item.find("commands") != nullptr;
  const bool file = item.find("file") != nullptr;
  if (commands && file) diagnostics.error(codes::unknown_key, item.where, one_of_two);
  if (!commands && !file) diagnostics.error(codes::missing_key, item.where, one_of_two);
}

/// A script's `exit 3010`, the reboot code of Windows, arrives on Linux as 3010 mod 256, and that
/// is the 194 which run_program() knows.
Outcome run(const PowerShell& inputs, ActionContext& context) {
  if (inputs.commands.empty() == inputs.file.empty()) return Failed{one_of_two, {}, {}};
  context.note("ExecutePowerShell: STARTED EXECUTION");
  const auto run_file = [&](const std::string& path) {
    return run_program(
        "ExecutePowerShell",
        {{"pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-File", path}, {}, {}}, context);
  };
  if (!inputs.file.empty()) return run_file(inputs.file);
  const ScriptFile script("ExecutePowerShell", "script.ps1", inputs.commands, context);
  return run_file(script.path());
}

}  // namespace

Action execute_powershell() {
  Action action = make_action(
      "ExecutePowerShell", "Runs a script with PowerShell; on Linux where pwsh is in PATH.",
      Fields<PowerShell>{}
          .optional("commands", &PowerShell::commands,
                    "The lines of one script. An error that PowerShell does not end at leaves exit "
                    "code 0; begin with $ErrorActionPreference = 'Stop' to fail at the first one.")
          .optional("file", &PowerShell::file,
                    "The path of a .ps1 file to run instead; one of the two must be there."),
      run);
  action.info.outputs = program_outputs();
  // On Linux it depends on the machine: without pwsh `validate` refuses it there.
  action.info.platforms = windows_only | (find_in_path("pwsh") ? linux_only : 0u);
  action.info.check = check;
  action.info.example = R"(- name: ShowVersion
  action: ExecutePowerShell
  inputs:
    commands:
      - $ErrorActionPreference = 'Stop'
      - Write-Output $PSVersionTable.PSVersion.ToString()
)";
  return action;
}

}  // namespace toehold
