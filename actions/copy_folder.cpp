#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Copy {
  std::string source;
  std::string destination;
  bool overwrite = true;
};

ItemResult run(const Copy& input, ActionContext&) {
  const auto sources = expand(input.source, Wanted::folders);
  std::error_code error;
  for (const fs::path& source : sources) {
    if (!fs::is_directory(source, error)) {
      return Failed{source.string() + " is not a folder", {}, {}};
    }
    const fs::path target = landing_place(source, input.destination);
    if (!input.overwrite && fs::exists(target, error)) {
      return Failed{target.string() + " exists and overwrite is false", {}, {}};
    }
    if (fs::exists(target, error) && !fs::is_directory(target, error)) {
      return Failed{target.string() + " exists and is not a folder", {}, {}};
    }
    create_parents(target);
    copy_tree(source, target);
  }
  return Value();
}

}  // namespace

Action copy_folder() {
  Action action = make_list_action(
      "CopyFolder", "Copies folders with all that is in them.",
      Fields<Copy>{}
          .required("source", &Copy::source,
                    "The folder; '*' in its name copies every folder that fits.")
          .required("destination", &Copy::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Copy::overwrite,
                    "Copy into a folder of that name, file over file; false: fail instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: InstallSite
  action: CopyFolder
  inputs:
    - source: /tmp/site
      destination: /var/www/html
)";
  return action;
}

}  // namespace toehold
