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
};

ItemResult run(const Permissions& input, ActionContext&) {
  const auto mode = parse_mode(input.permissions);
  if (!mode) return Failed{"permissions: not an octal mode: " + input.permissions, {}, {}};
  std::error_code error;
  if (std::filesystem::is_directory(input.path, error)) {
    return Failed{input.path + " is a folder; SetFolderPermissions takes folders", {}, {}};
  }
  for_each_in_tree(input.path, false, [&](int fd, bool) {
    if (::fchmod(fd, *mode) != 0) {
      throw Error::from_errno("cannot change the mode below " + input.path, errno);
    }
  });
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
