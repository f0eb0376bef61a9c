#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

struct Ownership {
  std::string path;
  std::string owner;
  std::optional<std::string> group;
  bool recursive = true;
};

ItemResult run(const Ownership& input, ActionContext& context) {
  Attributes attributes = find_attributes(input.owner, input.group, {});
  if (!attributes.group) attributes.group = primary_group(input.owner);
  change_tree(without_trailing_separators(input.path), Wanted::folders, input.recursive, attributes,
              stop_check(context));
  return Value();
}

}  // namespace

Action set_folder_owner() {
  Action action = make_list_action(
      "SetFolderOwner", "Changes the owner and group of folders.",
      Fields<Ownership>{}
          .required("path", &Ownership::path, "The folder; a link's target is what changes.")
          .required("owner", &Ownership::owner, "User, by name or number.")
          .optional("group", &Ownership::group, "Group, by name or number.", "the user's own group")
          .optional("recursive", &Ownership::recursive,
                    "Everything below, too: links themselves, not what they point to.", "true"),
      run);
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_path(item, "path", deferred, diagnostics);
  };
  action.info.example = R"(- name: OwnData
  action: SetFolderOwner
  inputs:
    - path: /var/lib/app
      owner: www-data
      group: www-data
)";
  return action;
}

}  // namespace toehold
