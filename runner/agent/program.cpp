#include "runner/agent/program.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "actions/builtin_actions.hpp"
#include "generated/build_info.hpp"
#include "generated/version.hpp"
#include "runner/agent/act.hpp"
#include "runner/agent/commands.hpp"
#include "runner/agent/completion.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"
#include "runner/base/static_program.hpp"
#include "runner/base/stop.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"
#include "runner/base/user_namespace.hpp"

namespace toehold {

namespace {

void print_error(const ProgramStyle& style, const Error& error) {
  std::fputs(error_text(style, error, colour_wanted(STDERR_FILENO)).c_str(), stderr);
}

/// The agent says no more than the program that it stands in for.
std::string version_text(const ProgramStyle& style) {
  if (!style.for_people) return TOEHOLD_VERSION;
  return style.name + " " TOEHOLD_VERSION " (commit " TOEHOLD_COMMIT
                      ")\nmade with " TOEHOLD_LIBRARIES;
}

/// The command that was typed: of `cache prune` the last one, else the program itself.
const CLI::App& command_of(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

/// The word that stands where a command below this one would; empty when there is none.
std::string word_for_command(const CLI::App& command, int argc, char** argv) {
  std::size_t depth = 0;
  for (const CLI::App* above = command.get_parent(); above; above = above->get_parent()) ++depth;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] != '-') words.emplace_back(argv[i]);
  }
  return depth < words.size() ? words[depth] : std::string();
}

std::string path_of(const CLI::App& command) {
  const CLI::App* above = command.get_parent();
  return above ? path_of(*above) + " " + command.get_name() : command.get_name();
}

/// CLI11 has no "did you mean", and a mistyped option is the commonest mistake of all.
Error usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App& command = command_of(app);
  const std::string help = "see " + path_of(command) + " --help";
  std::vector<std::string> commands;
  for (const CLI::App* below : command.get_subcommands(nullptr)) {
    if (!below->get_group().empty()) commands.push_back(below->get_name());
  }
  if (!commands.empty()) {
    const std::string word = word_for_command(command, argc, argv);
    if (word.empty()) return Error(Error::Kind::usage, "a command is missing", help);
    const std::string hint = did_you_mean(word, commands);
    return Error(Error::Kind::usage, "there is no command '" + word + "'",
                 hint.empty() ? "the commands are: " + join(commands, ", ") : hint);
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word = word.substr(0, word.find('='));
    if (!word.starts_with("--") || std::find(names.begin(), names.end(), word) != names.end())
      continue;
    const std::string hint = did_you_mean(word, names);
    if (!hint.empty()) return Error(Error::Kind::usage, error.what(), hint);
  }
  return Error(Error::Kind::usage, error.what(), help);
}

}  // namespace

ExitCode exit_code_of(const Error& error) {
  switch (error.kind()) {
    case Error::Kind::usage:
      return ExitCode::usage;
    case Error::Kind::cancelled:
      return ExitCode::interrupted;
    case Error::Kind::busy:
      return ExitCode::busy;
    case Error::Kind::state:
      return ExitCode::not_durable;
    case Error::Kind::refused:
      return ExitCode::refused;
    case Error::Kind::untrusted:
      return ExitCode::untrusted;
    default:
      return ExitCode::failure;
  }
}

std::string error_text(const ProgramStyle& style, const Error& error, bool colour) {
  std::string text = style.name + ": " + (colour ? "\033[1;31merror\033[0m: " : "error: ") +
                     printable(error.full_message()) + "\n";
  if (!error.hint().empty()) text += "  = " + printable(error.hint()) + "\n";
  return text;
}

void CommandContext::tell(std::string_view text) const {
  if (print) return print(text);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool CommandContext::tells_in_colour() const {
  return !print && colour_wanted(STDERR_FILENO);
}

bool colour_wanted(int fd) {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value && *value && std::string_view(value) != "0";
  };
  if (std::getenv("NO_COLOR") && *std::getenv("NO_COLOR")) return false;
  if (set("FORCE_COLOR") || set("CLICOLOR_FORCE")) return true;
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term && std::string_view(term) != "dumb";
}

namespace {

/// Closed ones would be given to the next file that is opened, and what is meant for the screen
/// would land in it.
void open_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) == 0 || errno != EBADF) continue;
    if (::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd) ::_exit(1);
  }
}

}  // namespace

int run_program(const ProgramStyle& style, int argc, char** argv, AddCommands add_own) {
  // Asked by every script that wraps us; needs no tables and no threads.
  if (argc == 2 &&
      (std::string_view(argv[1]) == "--version" || std::string_view(argv[1]) == "-v")) {
    std::puts(version_text(style).c_str());
    return std::fflush(stdout) == 0 ? 0 : 1;
  }
  settle_static_program();
  open_standard_descriptors();
  if ((argc == 2 || argc == 3) && std::string_view(argv[1]) == "act") {
    return run_act(argc == 3 ? argv[2] : nullptr);
  }
  try {
    settle_user_namespace();
  } catch (const Error& error) {
    print_error(style, error);
    return static_cast<int>(exit_code_of(error));
  }
  remember_caller_umask();
  ::umask(077);
  const ActionRegistry actions(builtin_actions());
  CommandContext context{style, actions, stop_on_signals(), argc, argv, ExitCode::success};

  CLI::App app(style.for_people
                   ? "Runs EC2 Image Builder component documents anywhere, unmodified."
                   : "Runs EC2 Image Builder component documents; a drop-in for awstoe.",
               style.name);
  app.set_version_flag("-v,--version", version_text(style));
  app.require_subcommand(1);
  if (add_own) add_own(app, context);
  add_run(app, context);
  add_validate(app, context);
  add_events(app, context);
  add_describe(app, context);
  add_completion(app, context);
  if (argc >= 2 && std::string_view(argv[1]) == "__complete") {
    print_completion(complete(app, context, {argv + 2, argv + argc}));
    return 0;
  }
  try {
    app.parse(argc, argv);
    // Half a list of findings must not pass for the whole one.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw Error::from_errno("cannot write to standard output", errno);
    }
    return static_cast<int>(context.exit_code);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    print_error(style, usage_error(app, error, argc, argv));
    return static_cast<int>(ExitCode::usage);
  } catch (const Error& error) {
    log(LogLevel::error, error.full_message());
    print_error(style, error);
    return static_cast<int>(exit_code_of(error));
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    print_error(style, Error(Error::Kind::io, error.what(), ""));
    return static_cast<int>(ExitCode::failure);
  }
}

}  // namespace toehold
