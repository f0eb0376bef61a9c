#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

struct Ownership {
  std::string path;
  std::string owner;
  std::optional<std::string> group;
};

ItemResult run(const Ownership& input, ActionContext& context) {
  Attributes attributes = find_attributes(input.owner, input.group, {});
  if (!attributes.group) attributes.group = primary_group(input.owner);
  change_tree(file_path(input.path), Wanted::files, false, attributes, stop_check(context));
  return Value();
}

}  // namespace

Action set_file_owner() {
  Action action = make_list_action(
      "SetFileOwner", "Changes the owner and group of files.",
      Fields<Ownership>{}
          .required("path", &Ownership::path, "The file; a link's target is what changes.")
          .required("owner", &Ownership::owner, "User, by name or number.")
          .optional("group", &Ownership::group, "Group, by name or number.",
                    "the user's own group"),
      run);
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_file_path(item, "path", deferred, diagnostics);
  };
  action.info.example = R"(- name: OwnSettings
  action: SetFileOwner
  inputs:
    - path: /etc/app/settings.ini
      owner: www-data
)";
  return action;
}

}  // namespace toehold
