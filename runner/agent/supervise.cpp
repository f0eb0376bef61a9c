#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "runner/agent/commands.hpp"
#include "runner/agent/guest_cleanup.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/relay.hpp"
#include "runner/agent/supervised_run.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/process.hpp"
#include "runner/base/umask.hpp"

namespace toehold {

namespace {

constexpr std::string_view started = "started\n";

struct Options {
  std::string folder;
  std::vector<std::string> directories;
  std::string files;
  std::vector<std::string> arguments;
};

std::vector<std::string> own_command(std::vector<std::string> first, const Options& options) {
  first.insert(first.begin(), "/proc/self/exe");
  first.insert(first.end(), options.arguments.begin(), options.arguments.end());
  return first;
}

/// What came in one file, because each file costs a controller a connection.
void write_files(const Options& options) {
  if (options.files.empty()) return;
  const Value files = parse_json(read_file(options.files));
  for (const Value::Member& file : files.map()) {
    write_file_atomically(options.folder + "-" + file.key, file.value.text());
  }
}

/// In the child of detach(); never returns.
[[noreturn]] void become_supervisor(const Options& options, int told) {
  ::setsid();
  ::umask(caller_umask());
  ::dup2(told, STDOUT_FILENO);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<std::string> command = own_command({"supervise", options.folder, "--"}, options);
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());
  ::_exit(127);
}

ExitCode end_of(pid_t child) {
  int status = 0;
  const bool exited = ::waitpid(child, &status, 0) == child && WIFEXITED(status);
  return exited ? static_cast<ExitCode>(WEXITSTATUS(status)) : ExitCode::failure;
}

/// Starts a supervisor in a session of its own and returns when it has taken the folder; what keeps
/// it from that, it says on our stderr.
ExitCode detach(const Options& options) {
  write_files(options);
  enter_directory(options.directories);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw Error::from_errno("cannot make a pipe", errno);
  FileDescriptor reading(pipe[0]), writing(pipe[1]);
  const pid_t child = ::fork();
  if (child < 0) throw Error::from_errno("cannot start a process", errno);
  if (child == 0) become_supervisor(options, writing.get());
  writing.close();
  std::string told;
  std::array<char, 64> buffer{};
  while (told.size() < started.size()) {
    const ssize_t count = ::read(reading.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return end_of(child);
    told.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return ExitCode::success;
}

/// The program's own command line as a child, its output in files, its end in another.
void supervise(const Options& options, const CommandContext& context) {
  const SupervisedFiles files(options.folder);
  make_private_directory(files.directory);
  const FileLock lock(files.lock);
  std::error_code ignored;
  fs::remove(files.end, ignored);
  const auto open_log = [](const fs::path& path) {
    FileDescriptor fd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) throw Error::from_errno("cannot write " + path.string(), errno);
    return fd;
  };
  const FileDescriptor out = open_log(files.out), err = open_log(files.err);
  write_all(STDOUT_FILENO, started, "standard output");
  const FileDescriptor nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::dup2(nothing.get(), STDOUT_FILENO);
  ::dup2(nothing.get(), STDERR_FILENO);

  Command command;
  command.argv = own_command({}, options);
  const ProcessResult result = RealProcessRunner().run(
      command,
      [&](Stream stream, std::string_view bytes) {
        const FileDescriptor& file = stream == Stream::out ? out : err;
        write_all(file.get(), bytes, "what the run says");
      },
      [](int) {}, {}, context.stop);
  Value end{Value::Map()};
  if (result.exit_code) end.set("exitCode", Value(*result.exit_code));
  if (!result.exit_code) end.set("message", describe(result));
  write_file_atomically(files.end, to_json(end) + "\n");
}

/// The files of a folder, one after another: a line of JSON with name and size, then the bytes.
void send_files(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    std::uintmax_t left = entry.file_size();
    const Value head = Value::object(
        {{"file", entry.path().filename().string()}, {"size", static_cast<std::int64_t>(left)}});
    write_all(STDOUT_FILENO, to_json(head) + "\n", "standard output");
    const FileDescriptor fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    std::array<char, 65536> piece{};
    while (left > 0) {
      const ssize_t count =
          ::read(fd.get(), piece.data(), std::min<std::uintmax_t>(left, piece.size()));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw Error::from_errno("cannot read " + entry.path().string(), errno);
      write_all(STDOUT_FILENO, {piece.data(), static_cast<std::size_t>(count)}, "standard output");
      left -= static_cast<std::uintmax_t>(count);
    }
  }
}

}  // namespace

void discard_runs(const fs::path& folder, std::stop_token stop) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) stop_supervisor(entry.path(), stop);
  }
  fs::remove_all(folder);
}

namespace {

/// The first process of a container: does nothing until it is told to end, but for burying what
/// detached runs leave behind.
void hold(std::stop_token stop) {
  SystemClock clock;
  while (clock.sleep_for(std::chrono::seconds(1), stop)) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

}  // namespace

void add_remote_commands(CLI::App& app, CommandContext& context) {
  const auto add = [&](const char* name, const char* help, auto run) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option("folder", options->folder, "Folder that the run is followed by")
        ->required();
    add_directories(*command, options->directories);
    command->add_option("--files", options->files,
                        "JSON file of files to write first: {\"NAME\": \"TEXT\"} is FOLDER-NAME");
    command->add_option("arguments", options->arguments, "The command, after --")->required();
    command->callback([options, run] { run(*options); });
    return command;
  };
  add("detach", "Start a command of this program that survives its caller",
      [&context](const Options& options) { context.exit_code = detach(options); });
  add("supervise", "Run a command of this program and keep its end",
      [&context](const Options& options) { supervise(options, context); })
      ->group("");
  app.add_subcommand("hold", "Wait for SIGTERM, as the first process of a container")
      ->callback([&context] { hold(context.stop); });
  auto folder = std::make_shared<std::string>();
  CLI::App* discard = app.add_subcommand("discard", "Remove a folder of detached runs");
  discard->add_option("folder", *folder, "Folder to remove with all that is in it")->required();
  discard->callback([folder, &context] { discard_runs(*folder, context.stop); });
  CLI::App* send = app.add_subcommand("send", "Print the files of a folder, with names and sizes");
  send->add_option("folder", *folder, "Folder of logs")->required();
  send->callback([folder] { send_files(*folder); });
  add_clean(app, context);
  add_follow(app, context);
  add_step_shell(app, context);
  add_relay(app, context);
}

}  // namespace toehold
