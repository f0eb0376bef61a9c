#include "actions/builtin_actions.hpp"
#include "actions/script.hpp"

namespace toehold {

namespace {

struct Binary {
  std::string path;
  std::vector<std::string> arguments;
};

Outcome run(const Binary& inputs, ActionContext& context) {
  if (inputs.path.empty()) return Failed{"'path' is empty; it names the program to run", {}, {}};
  context.note("ExecuteBinary: STARTED EXECUTION");
  Command command{{inputs.path}, {}, {}};
  command.argv.insert(command.argv.end(), inputs.arguments.begin(), inputs.arguments.end());
  return run_program("ExecuteBinary", std::move(command), context);
}

}  // namespace

Action execute_binary() {
  Action action = make_action(
      "ExecuteBinary", "Runs a program, without a shell.",
      Fields<Binary>{}
          .required("path", &Binary::path,
                    "The program's file, or its name if it is in PATH. Exit code 194 asks for a "
                    "reboot, after which the step runs again.")
          .optional("arguments", &Binary::arguments,
                    "Its arguments, each passed on as it is: no quotes, no wildcards.", "[]"),
      run);
  action.info.outputs = program_outputs();
  action.info.platforms = every_platform;
  action.info.example = R"(- name: RunPlaybook
  action: ExecuteBinary
  inputs:
    path: ansible-playbook
    arguments:
      - --connection=local
      - /opt/playbooks/site.yml
)";
  return action;
}

}  // namespace toehold
