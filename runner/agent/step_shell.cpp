#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/agent/supervised_run.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"
#include "runner/engine/journal.hpp"

namespace toehold {

namespace {

struct ShellOptions {
  std::string folder;
  std::vector<std::string> directories;
  std::vector<std::string> command;
};

/// The step that failed last, the innermost one of nested documents; nullopt if none did.
std::optional<StepFinished> failed_step(const fs::path& state_folder) {
  const StateFiles state(state_folder);
  std::error_code error;
  const bool open = fs::exists(state.journal, error);
  std::optional<StepFinished> failed;
  for (const Event& event : read_journal(open ? state.journal : state.previous).events) {
    const auto* step = std::get_if<StepFinished>(&event.data);
    if (!step || step->status != "failed") continue;
    // An ExecuteDocument step fails after, and by, a step of its document.
    const bool caller = failed && failed->step.starts_with(step->step) &&
                        failed->step.find('>', step->step.size()) != std::string::npos;
    if (!caller) failed = *step;
  }
  return failed;
}

void write_step_files(const SupervisedFiles& files) {
  make_private_directory(files.step);
  const auto failed = failed_step(files.state);
  if (!failed) return;
  write_file_atomically(files.step / "inputs.json", to_json(failed->inputs, 2) + "\n");
  std::string script;
  if (!failed->inputs.is_list() || failed->inputs.list().empty()) return;
  const Value* commands = failed->inputs.list().back().find("commands");
  if (!commands || !commands->is_list()) return;
  for (const Value& command : commands->list()) script += command.text() + "\n";
  write_file_atomically(files.step / "script.sh", script, 0700);
}

/// Over SSH the words came through the terminal, which was told not to show them.
void show_typing() {
  termios settings{};
  if (::tcgetattr(STDIN_FILENO, &settings) != 0) return;
  settings.c_lflag |= ECHO;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

[[noreturn]] void become(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv.front(), argv.data());
  throw Error::from_errno("cannot run " + command.front(), errno);
}

void step_shell(const ShellOptions& options) {
  const SupervisedFiles files(fs::absolute(options.folder));
  show_typing();
  write_step_files(files);
  enter_directory(options.directories);
  ::setenv("TOEHOLD_STEP_FILES", files.step.c_str(), 1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(caller_umask());
  if (!options.command.empty()) become(options.command);
  try {
    become({"bash", "-i"});
  } catch (const Error&) {
    become({"sh", "-i"});
  }
}

}  // namespace

void add_directories(CLI::App& command, std::vector<std::string>& directories) {
  command.add_option("--directory", directories, "Where it runs; of several, the first there is")
      ->allow_extra_args(false);
}

void enter_directory(const std::vector<std::string>& directories) {
  int reason = 0;
  for (const std::string& directory : directories) {
    if (::chdir(directory.c_str()) == 0) return;
    if (reason == 0) reason = errno;
  }
  if (reason == 0) return;
  throw Error::from_errno("working directory " + directories.front(), reason);
}

void add_step_shell(CLI::App& app, CommandContext&) {
  auto options = std::make_shared<ShellOptions>();
  CLI::App* command =
      app.add_subcommand("step-shell", "A shell where the failed step of a detached run was");
  command->add_option("folder", options->folder, "Folder that `detach` was given")->required();
  add_directories(*command, options->directories);
  command->add_option("command", options->command, "What to run instead of a shell, after --");
  command->callback([options] { step_shell(*options); });
}

}  // namespace toehold
