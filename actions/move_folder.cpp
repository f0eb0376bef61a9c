#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Move {
  std::string source;
  std::string destination;
  bool overwrite = true;
};

ItemResult run(const Move& input, ActionContext&) {
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
    if (fs::exists(target, error)) {
      // Into what is there, file over file; then the source goes.
      copy_tree(source, target);
      remove_tree(source);
    } else {
      move_path(source, target);
    }
  }
  return Value();
}

}  // namespace

Action move_folder() {
  Action action = make_list_action(
      "MoveFolder", "Moves or renames folders.",
      Fields<Move>{}
          .required("source", &Move::source,
                    "The folder; '*' in its name moves every folder that fits.")
          .required("destination", &Move::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Move::overwrite,
                    "Move into a folder of that name, file over file; false: fail instead.",
                    "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = false;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: ActivateRelease
  action: MoveFolder
  inputs:
    - source: /opt/app-2.1
      destination: /opt/app
)";
  return action;
}

}  // namespace toehold
