#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

struct Folder {
  std::string path;
  std::optional<std::string> owner;
  std::optional<std::string> group;
  std::optional<std::string> permissions;
  bool overwrite = true;
};

ItemResult run(const Folder& folder, ActionContext&) {
  const std::filesystem::path path = without_trailing_separators(folder.path);
  const Attributes attributes = find_attributes(folder.owner, folder.group, folder.permissions);
  std::error_code error;
  if (!folder.overwrite && std::filesystem::exists(symlink_status(path, error))) {
    return Failed{folder.path + " exists and overwrite is false", {}, {}};
  }
  // What is in a folder that exists stays: many documents create a path that is there already.
  create_folder_at(path, attributes);
  return Value();
}

}  // namespace

Action create_folder() {
  Action action = make_list_action(
      "CreateFolder", "Makes folders, with those above them.",
      Fields<Folder>{}
          .required("path", &Folder::path, "The folder. Missing folders above it are made.")
          .optional("owner", &Folder::owner, "User, by name or number.",
                    "the current user; a folder that exists keeps its own")
          .optional("group", &Folder::group, "Group, by name or number.",
                    "the current group; a folder that exists keeps its own")
          .optional("permissions", &Folder::permissions,
                    "Octal mode of three or four digits, such as 0755 or 750.",
                    "0777 less the umask; a folder that exists keeps its own")
          .optional("overwrite", &Folder::overwrite,
                    "Take a folder that exists as it is, and what is in it stays; false: fail "
                    "instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_path(item, "path", deferred, diagnostics);
    check_mode(item, "permissions", deferred, diagnostics);
  };
  action.info.example = R"(- name: MakeFolders
  action: CreateFolder
  inputs:
    - path: /opt/app/data
      owner: www-data
      permissions: 0750
)";
  return action;
}

}  // namespace toehold
