#include <sys/stat.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

struct Permissions {
  std::string path;
  std::string permissions;
  bool recursive = true;
};

ItemResult run(const Permissions& input, ActionContext&) {
  const auto mode = parse_mode(input.permissions);
  if (!mode) return Failed{"permissions: not an octal mode: " + input.permissions, {}, {}};
  std::error_code error;
  if (!std::filesystem::is_directory(input.path, error)) {
    return Failed{input.path + " is not a folder", {}, {}};
  }
  for_each_in_tree(input.path, input.recursive, [&](int fd, bool) {
    if (::fchmod(fd, *mode) != 0) {
      throw Error::from_errno("cannot change the mode below " + input.path, errno);
    }
  });
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
