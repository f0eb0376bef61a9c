#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Target {
  std::string path;
};

ItemResult run(const Target& input, ActionContext&) {
  std::error_code error;
  for (const fs::path& path : expand(input.path, Wanted::files)) {
    const auto status = fs::symlink_status(path, error);
    if (!fs::exists(status)) return Failed{path.string() + " does not exist", {}, {}};
    if (fs::is_directory(status) && !fs::is_empty(path, error)) {
      return Failed{
          path.string() + " is a folder with something in it; DeleteFolder deletes it", {}, {}};
    }
    remove_tree(path);
  }
  return Value();
}

}  // namespace

Action delete_file() {
  Action action = make_list_action(
      "DeleteFile", "Deletes files.",
      Fields<Target>{}.required("path", &Target::path,
                                "The file; '*' in its name deletes every file of the folder that "
                                "fits, and none is no error."),
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
