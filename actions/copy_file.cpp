#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

ItemResult run(const Transfer& input, ActionContext& context) {
  for (const TransferPair& pair : plan_transfer(input, Wanted::files, TransferKind::copy)) {
    create_parents(pair.to);
    copy_one_file(pair.from, pair.to, input.overwrite, stop_check(context));
  }
  return Value();
}

}  // namespace

Action copy_file() {
  Action action = make_list_action(
      "CopyFile", "Copies files. A new file gets the permissions of its source.",
      Fields<Transfer>{}
          .required("source", &Transfer::source,
                    "The file; a link's target is what is copied. '*' in its name copies every "
                    "file that fits.")
          .required("destination", &Transfer::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Transfer::overwrite,
                    "Replace the content of a file of that name, which keeps its owner and mode; "
                    "false: fail instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: InstallScripts
  action: CopyFile
  inputs:
    - source: /tmp/scripts/*.sh
      destination: /usr/local/bin/
)";
  return action;
}

}  // namespace toehold
