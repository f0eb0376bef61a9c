#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

ItemResult run(const Transfer& input, ActionContext& context) {
  for (const TransferPair& pair : plan_transfer(input, Wanted::folders, TransferKind::move)) {
    if (std::error_code error; std::filesystem::is_directory(pair.to, error)) {
      move_into(pair, stop_check(context));
    } else {
      move_path(pair, stop_check(context));
    }
  }
  return Value();
}

}  // namespace

Action move_folder() {
  Action action = make_list_action(
      "MoveFolder", "Moves or renames folders.",
      Fields<Transfer>{}
          .required("source", &Transfer::source,
                    "The folder; '*' in its name moves every folder that fits.")
          .required("destination", &Transfer::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Transfer::overwrite,
                    "Move into a folder of that name, file over file; false: fail instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = false;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: ActivateRelease
  action: MoveFolder
  inputs:
    - source: /opt/app-2.1
      destination: /opt/app
)";
  return action;
}

}  // namespace toehold
