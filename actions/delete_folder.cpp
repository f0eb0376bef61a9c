#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

struct Target {
  std::string path;
  bool force = false;
};

void delete_one(const std::filesystem::path& path, bool force, const StopCheck& stop) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) throw_errno("cannot delete", path);
  if (!S_ISDIR(status.st_mode)) {
    throw Error(Error::Kind::io,
                path.string() + (S_ISLNK(status.st_mode) ? " is a link" : " is not a folder"),
                "DeleteFile deletes files and links");
  }
  if (force) return remove_tree(path, stop);
  check_removable(path);
  if (::rmdir(path.c_str()) == 0) return;
  if (errno == ENOTEMPTY || errno == EEXIST) {
    throw Error(Error::Kind::io, path.string() + " is not empty and force is false",
                "force: true deletes what is in it, too");
  }
  throw_errno("cannot delete", path);
}

ItemResult run(const Target& input, ActionContext& context) {
  for (const std::filesystem::path& path : expand(input.path, Wanted::folders)) {
    delete_one(path, input.force, stop_check(context));
  }
  return Value();
}

}  // namespace

Action delete_folder() {
  Action action = make_list_action(
      "DeleteFolder", "Deletes folders.",
      Fields<Target>{}
          .required("path", &Target::path,
                    "The folder; '*' in its name deletes every folder that fits, and none is no "
                    "error. Folders of the system and mount points are refused.")
          .optional("force", &Target::force, "Delete what is in it, too.", "false"),
      run);
  action.info.platforms = every_platform;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "path", nullptr, deferred, diagnostics);
  };
  action.info.example = R"(- name: RemoveBuildFolder
  action: DeleteFolder
  inputs:
    - path: /tmp/build
      force: true
)";
  return action;
}

}  // namespace toehold
