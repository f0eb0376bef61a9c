#include "runner/base/terminal_program.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "runner/base/error.hpp"

extern char** environ;

namespace toehold {

namespace {

/// Gives the terminal back to our process group. A shell that takes it for its jobs cannot do that
/// when it does not see us, as in a PID namespace; then the next read of ours would fail.
class TerminalKeeper {
 public:
  TerminalKeeper() : group_(::tcgetpgrp(STDIN_FILENO)) {
    has_modes_ = ::tcgetattr(STDIN_FILENO, &modes_) == 0;
  }
  ~TerminalKeeper() {
    if (group_ < 0) return;
    sigset_t background, before;  // to take it from the background stops a process
    ::sigemptyset(&background);
    ::sigaddset(&background, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &background, &before);
    if (::tcsetpgrp(STDIN_FILENO, group_) == 0 && has_modes_) {
      ::tcsetattr(STDIN_FILENO, TCSADRAIN, &modes_);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  TerminalKeeper(const TerminalKeeper&) = delete;
  TerminalKeeper& operator=(const TerminalKeeper&) = delete;

 private:
  pid_t group_;  // -1: there is no terminal
  termios modes_{};
  bool has_modes_ = false;
};

}  // namespace

int run_on_terminal(const std::vector<std::string>& argv) {
  const TerminalKeeper keeper;
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // Ours are blocked, and those of the keyboard are meant for the program.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  ::sigemptyset(&none);
  ::sigfillset(&defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int failed =
      ::posix_spawnp(&child, words.front(), nullptr, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    throw Error(Error::Kind::process,
                Error::from_errno("cannot start " + argv.front(), failed).what());
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw Error::from_errno("cannot wait for " + argv.front(), errno);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace toehold
