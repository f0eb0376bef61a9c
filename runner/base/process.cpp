#include "runner/base/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

// std::filesystem, as Process v2 would want the compiled Boost.Filesystem otherwise; it then
// forgets to include these three itself.
#define BOOST_PROCESS_USE_STD_FS
#include <boost/optional.hpp>
#include <boost/type_traits/decay.hpp>
#include <boost/type_traits/is_convertible.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process/v2/posix/vfork_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include "runner/base/child.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/log.hpp"
#include "runner/base/process_tree.hpp"

namespace toehold {

namespace {

namespace asio = boost::asio;
namespace process_v2 = boost::process::v2;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr int pipe_size = 1 << 20;
constexpr std::size_t read_size = 256 << 10;
constexpr milliseconds heartbeat_interval{200};
// After the leader's exit: as long as something comes, but not for ever.
constexpr milliseconds drain_quiet{200};
constexpr milliseconds drain_most{2000};
// A process that SIGKILL does not end within this hangs in the kernel; waiting on would hang us
// too.
constexpr milliseconds kill_patience{30000};

/// Gives the launcher our way from fork to exec. The launcher's own would be wrong here: it closes
/// descriptors by code that may allocate, leaves signals and umask as ours are, and calls exit()
/// after a failed exec, which in a vfork child runs the destructors of the parent.
struct ChildSetup {
  const Child& child;
  template <class Launcher>
  error_code on_exec_setup(Launcher&, const std::filesystem::path&, const char* const*&) const {
    child.become();
  }
};

/// Blocks all signals: one that came to the vfork child would run the parent's handlers.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

using Handle = process_v2::process::handle_type;

/// The pid, or -1 with the reason in child.failure(); throws Error(process) when we cannot fork.
/// `handle` stays empty where the kernel (before 5.3) has no descriptors for processes. `io` must
/// be without timers and descriptors yet: the launcher tells io's services of the fork, and the one
/// that polls would open its own descriptor anew, in the child, and note the number for us.
pid_t launch(Child& child, asio::io_context& io, std::optional<Handle>& handle) {
  if (child.program().empty()) return -1;
  process_v2::posix::vfork_launcher launcher;
  {
    const AllSignalsBlocked blocked;
    try {
      handle = launcher(asio::any_io_executor(io.get_executor()), child.program(), child.argv(),
                        ChildSetup{child})
                   .detach();
    } catch (const boost::system::system_error& reason) {
      if (launcher.pid <= 0) {
        throw Error(Error::Kind::process, "cannot start a process: " + reason.code().message());
      }
    }
  }
  if (child.failure().empty()) return launcher.pid;
  ::waitpid(launcher.pid, nullptr, 0);
  handle.reset();
  return -1;
}

struct Pipe {
  FileDescriptor read, write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw Error(Error::Kind::process, std::string("cannot make a pipe: ") + std::strerror(errno));
    }
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
    ::fcntl(ends[1], F_SETPIPE_SZ, pipe_size);  // refused to some users; then it is 64 KiB
  }
};

/// Lets go of a pipe that a daemon still writes to. If nobody read it, the daemon would hang or be
/// killed by SIGPIPE; so `cat` reads and discards, for as long as the daemon lives, us or no us.
void hand_on(FileDescriptor pipe) {
  const FileDescriptor null = open_null(O_WRONLY);
  ::fcntl(pipe.get(), F_SETFL, 0);  // Asio had made it non-blocking
  const Command drain{{"cat"}, "/", {}};
  Child child(drain, {pipe.get(), null.get(), null.get()}, false);
  asio::io_context io;
  std::optional<Handle> handle;
  if (launch(child, io, handle) > 0) return;
  log(LogLevel::warning, "a daemon's output cannot be drained: " + child.failure());
  (void)pipe.release();  // open and unread is better than SIGPIPE
}

/// One command from its start to its end.
class Execution {
 public:
  Execution(const Command& command, const OnOutput& on_output)
      : command_(command), on_output_(on_output), processes_(command.environment) {}
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  /// Left by an exception (of the reader of the output): nothing may stay behind.
  ~Execution() {
    if (pid_ <= 0 || exited_) return;
    try {
      kill_all();
    } catch (const std::exception& error) {
      log(LogLevel::error, std::string("ending a command: ") + error.what());
    }
  }

  ProcessResult run(const OnStart& on_start, Deadline deadline, const std::stop_token& stop,
                    milliseconds grace) {
    if (!start()) return result_;
    if (on_start) on_start(pid_);
    beat();
    asio::steady_timer alarm(io_);
    if (!deadline.never()) {
      alarm.expires_at(*deadline.at());
      alarm.async_wait([this](error_code error) { end_early(error, result_.timed_out); });
    }
    {
      const std::stop_callback on_stop(
          stop, [this] { asio::post(io_, [this] { end_early({}, result_.cancelled); }); });
      io_.run();
    }
    if (exited_) {
      result_.timed_out = result_.cancelled = false;
      drain();
    } else {
      terminate(grace);
      pid_ = -1;  // what could be done is done
    }
    return result_;
  }

 private:
  struct Output {
    Stream stream = Stream::out;
    std::optional<asio::posix::stream_descriptor> pipe;
    std::unique_ptr<char[]> buffer;
    bool open = false;
  };

  bool start() {
    Pipe out;
    Pipe err;
    const FileDescriptor input = open_input(command_.input);
    Child child(command_, {input.get(), out.write.get(), err.write.get()}, true);
    pid_ = processes_.start([&] { return launch(child, io_, handle_); });
    result_.start_error = child.failure();
    if (pid_ <= 0) return false;
    heartbeat_.emplace(io_);
    poll_.emplace(io_);
    open(out_, Stream::out, std::move(out.read));
    open(err_, Stream::err, std::move(err.read));
    if (handle_) {
      handle_->async_wait([this](error_code, int status) { exited(status); });
    } else {
      poll_for_exit();
    }
    return true;
  }

  void open(Output& output, Stream stream, FileDescriptor fd) {
    output.stream = stream;
    output.buffer.reset(new char[read_size]);
    output.pipe.emplace(io_, fd.get());
    (void)fd.release();
    output.open = true;
    read(output);
  }

  void read(Output& output) {
    output.pipe->async_read_some(asio::buffer(output.buffer.get(), read_size),
                                 [this, &output](error_code error, std::size_t count) {
                                   if (count > 0) {
                                     ++pieces_;
                                     on_output_(output.stream, {output.buffer.get(), count});
                                   }
                                   if (!error) return read(output);
                                   output.open = false;
                                   if (exited_ && !output_open()) io_.stop();
                                 });
  }
  bool output_open() const { return out_.open || err_.open; }

  void beat() {
    heartbeat_->expires_after(heartbeat_interval);
    heartbeat_->async_wait([this](error_code error) {
      if (error) return;
      on_output_(Stream::out, {});
      beat();
    });
  }

  /// For kernels without pidfd_open.
  void poll_for_exit() {
    int status = 0;
    const pid_t done = ::waitpid(pid_, &status, WNOHANG);
    if (done == pid_) return exited(status);
    poll_->expires_after(milliseconds(5));
    poll_->async_wait([this](error_code error) {
      if (!error) poll_for_exit();
    });
  }

  void exited(int status) {
    exited_ = true;
    if (WIFSIGNALED(status)) {
      result_.signal = WTERMSIG(status);
    } else {
      result_.exit_code = WEXITSTATUS(status);
    }
    io_.stop();
  }

  void end_early(error_code error, bool& reason) {
    if (error || exited_ || ending_) return;
    reason = ending_ = true;
    io_.stop();
  }

  void pump_for(milliseconds duration) {
    io_.restart();
    io_.run_for(duration);
  }

  void drain() {
    const auto end = std::chrono::steady_clock::now() + drain_most;
    for (std::uint64_t before = ~pieces_; output_open() && before != pieces_;) {
      if (std::chrono::steady_clock::now() > end) break;
      before = pieces_;
      pump_for(drain_quiet);
    }
    for (Output* output : {&out_, &err_}) {
      if (!output->open) continue;
      result_.output_held = true;
      hand_on(FileDescriptor(output->pipe->release()));
    }
  }

  void terminate(milliseconds grace) {
    processes_.signal_all(SIGTERM);
    const auto end = std::chrono::steady_clock::now() + grace;
    for (milliseconds pause{2}; std::chrono::steady_clock::now() < end;) {
      const auto left = processes_.alive();
      if (left.empty()) break;
      for (const auto& process : left) {
        if (process.state == 'T') send_signal(process, SIGCONT);  // else it would not see SIGTERM
      }
      pump_for(pause);
      pause = std::min(pause * 2, milliseconds(50));
    }
    kill_all();
  }

  void kill_all() {
    const auto end = std::chrono::steady_clock::now() + kill_patience;
    for (milliseconds pause{1}; !processes_.alive().empty();) {
      if (std::chrono::steady_clock::now() > end) {
        log(LogLevel::error,
            "a process of the command does not end by SIGKILL; it hangs in the "
            "kernel and is left behind");
        break;
      }
      processes_.freeze_and_kill();
      pump_for(pause);
      pause = std::min(pause * 2, milliseconds(50));
    }
    // Dead, but not reaped yet; and what they printed last is still in the pipes.
    while (!exited_ && std::chrono::steady_clock::now() < end) pump_for(milliseconds(50));
    io_.restart();
    io_.poll();
  }

  const Command& command_;
  const OnOutput& on_output_;
  CommandProcesses processes_;
  ProcessResult result_;
  asio::io_context io_{1};
  std::optional<Handle> handle_;
  std::optional<asio::steady_timer> heartbeat_;
  std::optional<asio::steady_timer> poll_;
  Output out_, err_;
  pid_t pid_ = -1;
  bool exited_ = false;
  bool ending_ = false;
  std::uint64_t pieces_ = 0;
};

}  // namespace

RealProcessRunner::RealProcessRunner(milliseconds grace) : grace_(grace) {}

ProcessResult RealProcessRunner::run(const Command& command, const OnOutput& on_output,
                                     const OnStart& on_start, Deadline deadline,
                                     std::stop_token stop) {
  Execution execution(command, on_output);
  return execution.run(on_start, deadline, stop, grace_);
}

int kill_processes_with_environment(const std::string& name, const std::string& value) {
  adopt_orphans();
  std::set<pid_t> own_line;  // ourselves and whoever started us
  const auto processes = list_processes();
  for (pid_t pid = ::getpid(); pid > 0;) {
    own_line.insert(pid);
    const auto entry = std::find_if(processes.begin(), processes.end(),
                                    [pid](const ProcessEntry& each) { return each.pid == pid; });
    pid = entry == processes.end() ? 0 : entry->parent;
  }
  return kill_until_gone(
      [&](const ProcessEntry& process) {
        std::string found;
        return own_line.count(process.pid) == 0 && has_environment(process.pid, name, found) &&
               found == value;
      },
      kill_patience);
}

std::string describe(const ProcessResult& result) {
  if (!result.start_error.empty()) return "cannot start: " + result.start_error;
  if (result.timed_out) return "timed out";
  if (result.cancelled) return "cancelled";
  if (result.signal != 0) {
    const char* name = ::sigabbrev_np(result.signal);
    std::string text = "killed by " + (name ? std::string("SIG") + name
                                            : "signal " + std::to_string(result.signal));
    if (result.signal == SIGKILL) text += " (the kernel does that when memory runs out)";
    return text;
  }
  return "exit code " + std::to_string(result.exit_code.value_or(-1));
}

}  // namespace toehold
