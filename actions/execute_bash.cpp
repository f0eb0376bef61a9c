#include "actions/builtin_actions.hpp"
#include "actions/script.hpp"

namespace toehold {

namespace {

struct Bash {
  std::vector<std::string> commands;
};

Outcome run(const Bash& inputs, ActionContext& context) {
  context.note("ExecuteBash: STARTED EXECUTION");
  const ScriptFile script("ExecuteBash", "input.sh", inputs.commands, context);
  return run_program("ExecuteBash", {{"bash", script.path()}, {}, {}}, context);
}

}  // namespace

Action execute_bash() {
  Action action = make_action(
      "ExecuteBash", "Runs a script with bash.",
      Fields<Bash>{}.required(
          "commands", &Bash::commands,
          "The lines of one script: variables, functions and cd last from one entry to the next, "
          "an entry may have many lines, and the step succeeds if the last command does. Exit "
          "code 194 asks for a reboot, after which the step runs again."),
      run);
  action.info.outputs = program_outputs();
  action.info.example = R"(- name: InstallNginx
  action: ExecuteBash
  timeoutSeconds: 600
  inputs:
    commands:
      - set -euo pipefail
      - |
        apt-get update
        apt-get install -y nginx
      - nginx -v
)";
  return action;
}

}  // namespace toehold
