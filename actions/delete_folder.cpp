#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Target {
  std::string path;
  bool force = false;
};

ItemResult run(const Target& input, ActionContext&) {
  std::error_code error;
  for (const fs::path& path : expand(input.path, Wanted::folders)) {
    const auto status = fs::symlink_status(path, error);
    if (!fs::exists(status)) return Failed{path.string() + " does not exist", {}, {}};
    if (!fs::is_directory(status)) return Failed{path.string() + " is not a folder", {}, {}};
    if (!input.force && !fs::is_empty(path, error)) {
      return Failed{path.string() + " is not empty and force is false", {}, {}};
    }
    remove_tree(path);
  }
  return Value();
}

}  // namespace

Action delete_folder() {
  Action action = make_list_action(
      "DeleteFolder", "Deletes folders.",
      Fields<Target>{}
          .required("path", &Target::path,
                    "The folder; '*' in its name deletes every folder that fits.")
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
