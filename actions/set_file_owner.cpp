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
};

ItemResult run(const Ownership& input, ActionContext&) {
  std::error_code error;
  if (std::filesystem::is_directory(input.path, error)) {
    return Failed{input.path + " is a folder; SetFolderOwner takes folders", {}, {}};
  }
  const uid_t owner = find_user(input.owner);
  const gid_t group = input.group ? find_group(*input.group)
                                  : primary_group(input.owner).value_or(static_cast<gid_t>(-1));
  for_each_in_tree(input.path, false, [&](int fd, bool) {
    if (::fchown(fd, owner, group) != 0) {
      throw Error::from_errno("cannot change the owner below " + input.path, errno);
    }
  });
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
  action.info.example = R"(- name: OwnSettings
  action: SetFileOwner
  inputs:
    - path: /etc/app/settings.ini
      owner: www-data
)";
  return action;
}

}  // namespace toehold
