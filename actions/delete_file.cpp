#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

struct Target {
  std::string path;
};

void delete_one(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) == 0) return;
  if (errno != EISDIR && errno != EPERM) throw_errno("cannot delete", path);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    throw_errno("cannot delete", path, EPERM);
  }
  check_removable(path);
  // An empty folder goes, too: published documents clean up that way.
  if (::rmdir(path.c_str()) == 0) return;
  throw_errno("cannot delete", path, errno,
              errno == ENOTEMPTY ? "DeleteFolder with force: true deletes full folders" : "");
}

ItemResult run(const Target& input, ActionContext& context) {
  const StopCheck stop = stop_check(context);
  for (const std::filesystem::path& path : expand(input.path, Wanted::files)) {
    stop();
    delete_one(path);
  }
  return Value();
}

}  // namespace

Action delete_file() {
  Action action = make_list_action(
      "DeleteFile", "Deletes files.",
      Fields<Target>{}.required(
          "path", &Target::path,
          "The file, or an empty folder; a link goes itself, never what it points to. "
          "'*' in its name deletes every file of the folder that fits, and "
          "none is no error."),
      run);
  action.info.platforms = every_platform;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "path", nullptr, deferred, diagnostics);
  };
  action.info.example = R"(- name: RemoveDownloads
  action: DeleteFile
  inputs:
    - path: /tmp/*.tgz
)";
  return action;
}

}  // namespace toehold
