#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

ItemResult run(const Transfer& input, ActionContext& context) {
  for (const TransferPair& pair : plan_transfer(input, Wanted::files, TransferKind::move)) {
    move_path(pair, stop_check(context));
  }
  return Value();
}

}  // namespace

Action move_file() {
  Action action = make_list_action(
      "MoveFile", "Moves or renames files.",
      Fields<Transfer>{}
          .required("source", &Transfer::source,
                    "The file; a link moves itself. '*' in its name moves every file that fits.")
          .required("destination", &Transfer::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Transfer::overwrite,
                    "Replace a file of that name; false: fail instead.", "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = false;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: ActivateSettings
  action: MoveFile
  inputs:
    - source: /tmp/app.conf
      destination: /etc/app/app.conf
)";
  return action;
}

}  // namespace toehold
