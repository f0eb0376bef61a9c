#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

struct Permissions {
  std::string path;
  std::string permissions;
  bool recursive = true;
};

ItemResult run(const Permissions& input, ActionContext& context) {
  const Attributes attributes = find_attributes({}, {}, input.permissions);
  change_tree(without_trailing_separators(input.path), Wanted::folders, input.recursive, attributes,
              stop_check(context));
  return Value();
}

}  // namespace

Action set_folder_permissions() {
  Action action = make_list_action(
      "SetFolderPermissions", "Changes the mode of folders.",
      Fields<Permissions>{}
          .required("path", &Permissions::path, "The folder; a link's target is what changes.")
          .required("permissions", &Permissions::permissions, "Octal mode, such as 0644 or 755.")
          .optional("recursive", &Permissions::recursive,
                    "Every file and folder below gets the same mode; links are left alone.",
                    "true"),
      run);
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_path(item, "path", deferred, diagnostics);
    check_mode(item, "permissions", deferred, diagnostics);
  };
  action.info.example = R"(- name: CloseData
  action: SetFolderPermissions
  inputs:
    - path: /var/lib/app
      permissions: 0700
      recursive: false
)";
  return action;
}

}  // namespace toehold
