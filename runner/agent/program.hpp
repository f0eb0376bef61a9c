// Program: what both executables share around their commands: the option parser, the exit code, and
// the one place where an Error becomes a message. Called by the two mains.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/error.hpp"
#include "runner/engine/exit_code.hpp"
#include "runner/engine/registry.hpp"

namespace CLI {
class App;
}

namespace toehold {

/// How the two programs differ: the agent is a drop-in for awstoe and talks JSON; toehold talks to
/// people first.
struct ProgramStyle {
  std::string name;
  bool for_people = false;
};

/// A file of docs/reference, as `describe` writes it.
struct ReferencePage {
  std::string name;  // "events.md"
  std::string text;
};

/// What `validate` finds in a file of another kind than a document.
struct OtherFindings {
  Diagnostics diagnostics;
  std::vector<std::string> documents;  // that it names: they are looked at, too
};

/// What a command is given and leaves behind.
struct CommandContext {
  ProgramStyle style;
  const ActionRegistry& actions;
  std::stop_token stop;
  int argc = 0;
  char** argv = nullptr;
  ExitCode exit_code = ExitCode::success;
  /// The pages of what only one of the programs has; may be null.
  std::vector<ReferencePage> (*more_pages)() = nullptr;
  /// nullopt for a file that is to be taken as a document; may be null.
  std::optional<OtherFindings> (*validate_other)(const std::string& path) = nullptr;
  /// What fits where, for completion: by "COMMAND OPTION", such as "shell build".
  std::map<std::string, std::function<std::vector<std::string>()>> words{};
  /// Where one of several commands of this process tells a person something; empty: stderr.
  std::function<void(std::string_view text)> print{};

  /// Text with its line ends. Any thread.
  void tell(std::string_view text) const;
  /// Whether that goes to a screen that has colours.
  bool tells_in_colour() const;
};

/// Adds further commands to the parser, before those that both programs have.
using AddCommands = void (*)(CLI::App& app, CommandContext& context);

/// The whole of a main(): parse, run the command, report, exit code. `add_own`: may be null.
int run_program(const ProgramStyle& style, int argc, char** argv, AddCommands add_own = nullptr);

/// "toehold: error: ...", with the hint below; and what the program ends with for it.
std::string error_text(const ProgramStyle& style, const Error& error, bool colour);
ExitCode exit_code_of(const Error& error);

/// Whether colour is wanted on this descriptor: a terminal, no NO_COLOR, no TERM=dumb; or forced by
/// FORCE_COLOR or CLICOLOR_FORCE.
bool colour_wanted(int fd);

}  // namespace toehold
