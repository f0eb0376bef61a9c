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
  const auto sources = expand(input.source, Wanted::files);
  std::error_code error;
  for (const fs::path& source : sources) {
    if (!fs::exists(source, error)) return Failed{source.string() + " does not exist", {}, {}};
    if (fs::is_directory(source, error)) {
      return Failed{source.string() + " is a folder; MoveFolder takes folders", {}, {}};
    }
    const fs::path target = landing_place(source, input.destination);
    if (fs::is_directory(target, error)) {
      return Failed{
          target.string() + " is a folder; end the destination with '/' to go into it", {}, {}};
    }
    if (!input.overwrite && fs::exists(target, error)) {
      return Failed{target.string() + " exists and overwrite is false", {}, {}};
    }
    create_parents(target);
    move_path(source, target);
  }
  return Value();
}

}  // namespace

Action move_file() {
  Action action = make_list_action(
      "MoveFile", "Moves or renames files.",
      Fields<Move>{}
          .required("source", &Move::source,
                    "The file; '*' in its name moves every file that fits.")
          .required("destination", &Move::destination,
                    "Where to: with a '/' at the end into that folder, else under that name. "
                    "Missing folders are made.")
          .optional("overwrite", &Move::overwrite,
                    "Replace a file of that name; false: fail instead.", "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = false;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_wildcard(item, "source", "destination", deferred, diagnostics);
  };
  action.info.example = R"(- name: ActivateSettings
  action: MoveFile
  inputs:
    - source: /tmp/app.conf
      destination: /etc/app/app.conf
)";
  return action;
}

}  // namespace toehold
