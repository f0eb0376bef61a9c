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

ExitCode exit_code_for(const Error& error) {
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

void print_error(const ProgramStyle& style, const Error& error) {
  const bool colour = colour_wanted(STDERR_FILENO);
  std::string text = style.name + ": " + (colour ? "\033[1;31merror\033[0m: " : "error: ") +
                     printable(error.full_message()) + "\n";
  if (!error.hint().empty()) text += "  = " + printable(error.hint()) + "\n";
  std::fputs(text.c_str(), stderr);
}

/// The agent says no more than the program that it stands in for.
std::string version_text(const ProgramStyle& style) {
  if (!style.for_people) return TOEHOLD_VERSION;
  return style.name + " " TOEHOLD_VERSION " (commit " TOEHOLD_COMMIT
                      ")\nmade with " TOEHOLD_LIBRARIES;
}

/// CLI11 has no "did you mean", and a mistyped option is the commonest mistake of all.
std::string suggestion(const CLI::App& app, int argc, char** argv) {
  const CLI::App* command = &app;
  for (const CLI::App* chosen : app.get_subcommands()) command = chosen;
  std::vector<std::string> names;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const bool at_top = command == &app;
  if (at_top) {
    for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
  }
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word = word.substr(0, word.find('='));
    if (!at_top && !word.starts_with("--")) continue;
    if (std::find(names.begin(), names.end(), word) != names.end()) continue;
    if (const std::string hint = did_you_mean(word, names); !hint.empty()) return hint;
  }
  return {};
}

}  // namespace

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
    return static_cast<int>(exit_code_for(error));
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
    const std::string hint = suggestion(app, argc, argv);
    print_error(style, Error(Error::Kind::usage, error.what(),
                             hint.empty() ? "see " + style.name + " --help" : hint));
    return static_cast<int>(ExitCode::usage);
  } catch (const Error& error) {
    log(LogLevel::error, error.full_message());
    print_error(style, error);
    return static_cast<int>(exit_code_for(error));
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    print_error(style, Error(Error::Kind::io, error.what(), ""));
    return static_cast<int>(ExitCode::failure);
  }
}

}  // namespace toehold
