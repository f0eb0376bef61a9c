#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

struct Permissions {
  std::string path;
  std::string permissions;
};

ItemResult run(const Permissions& input, ActionContext& context) {
  const Attributes attributes = find_attributes({}, {}, input.permissions);
  change_tree(file_path(input.path), Wanted::files, false, attributes, stop_check(context));
  return Value();
}

}  // namespace

Action set_file_permissions() {
  Action action = make_list_action(
      "SetFilePermissions", "Changes the mode of files.",
      Fields<Permissions>{}
          .required("path", &Permissions::path, "The file; a link's target is what changes.")
          .required("permissions", &Permissions::permissions, "Octal mode, such as 0644 or 755."),
      run);
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_file_path(item, "path", deferred, diagnostics);
    check_mode(item, "permissions", deferred, diagnostics);
  };
  action.info.example = R"(- name: MakeExecutable
  action: SetFilePermissions
  inputs:
    - path: /usr/local/bin/app
      permissions: 0755
)";
  return action;
}

}  // namespace toehold
