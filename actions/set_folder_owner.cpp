#include <unistd.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

struct Ownership {
  std::string path;
  std::string owner;
  std::optional<std::string> group;
  bool recursive = true;
};

ItemResult run(const Ownership& input, ActionContext&) {
  std::error_code error;
  if (!std::filesystem::is_directory(input.path, error)) {
    return Failed{input.path + " is not a folder", {}, {}};
  }
  const uid_t owner = find_user(input.owner);
  const gid_t group = input.group ? find_group(*input.group)
                                  : primary_group(input.owner).value_or(static_cast<gid_t>(-1));
  for_each_in_tree(input.path, input.recursive, [&](int fd, bool) {
    if (::fchown(fd, owner, group) != 0) {
      throw Error::from_errno("cannot change the owner below " + input.path, errno);
    }
  });
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
                    "Everything below, too; links below are left alone.", "true"),
      run);
  action.info.repeatable = true;
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
