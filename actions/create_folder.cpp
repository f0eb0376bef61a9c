#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Folder {
  std::string path;
  std::optional<std::string> owner;
  std::optional<std::string> group;
  std::optional<std::string> permissions;
  bool overwrite = true;
};

ItemResult run(const Folder& folder, ActionContext&) {
  const fs::path path = without_trailing_separators(folder.path);
  std::error_code error;
  if (!folder.overwrite && fs::exists(path, error)) {
    return Failed{folder.path + " exists and overwrite is false", {}, {}};
  }
  std::optional<mode_t> mode;
  if (folder.permissions) {
    mode = parse_mode(*folder.permissions);
    if (!mode) return Failed{"permissions: not an octal mode: " + *folder.permissions, {}, {}};
  }
  const uid_t owner = folder.owner ? find_user(*folder.owner) : static_cast<uid_t>(-1);
  const gid_t group = folder.group ? find_group(*folder.group) : static_cast<gid_t>(-1);
  // What is in a folder that exists stays: many documents create a path that is there already.
  create_folder_at(path);
  if (folder.owner || folder.group) {
    if (::chown(path.c_str(), owner, group) != 0) {
      throw Error::from_errno("cannot change the owner of " + folder.path, errno);
    }
  }
  if (mode && ::chmod(path.c_str(), *mode) != 0) {
    throw Error::from_errno("cannot change the mode of " + folder.path, errno);
  }
  return Value();
}

}  // namespace

Action create_folder() {
  Action action = make_list_action(
      "CreateFolder", "Makes folders, with those above them.",
      Fields<Folder>{}
          .required("path", &Folder::path, "The folder.")
          .optional("owner", &Folder::owner, "User, by name or number.", "the current user")
          .optional("group", &Folder::group, "Group, by name or number.", "the current group")
          .optional("permissions", &Folder::permissions, "Octal mode.", "0777 less the umask")
          .optional("overwrite", &Folder::overwrite,
                    "Take a folder that exists as it is, and what is in it stays; false: fail "
                    "instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
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
