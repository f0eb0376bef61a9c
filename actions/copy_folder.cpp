#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

ItemResult run(const Transfer& input, ActionContext& context) {
  for (const TransferPair& pair : plan_transfer(input, Wanted::folders, TransferKind::copy)) {
    copy_tree(pair, stop_check(context));
  }
  return Value();
}

}  // namespace

Action copy_folder() {
  Action action = make_list_action(
      "CopyFolder", "Copies folders with all that is in them; links are copied as links.",
      Fields<Transfer>{}
          .required("source", &Transfer::source,
                    "The folder; '*' in its name copies every folder that fits.")
          .required("destination", &Transfer::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Transfer::overwrite,
                    "Copy into a folder of that name, file over file; false: fail instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: InstallSite
  action: CopyFolder
  inputs:
    - source: /tmp/site
      destination: /var/www/html
)";
  return action;
}

}  // namespace toehold
