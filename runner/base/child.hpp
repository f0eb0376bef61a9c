// What a child process is between fork and exec: a clean start, whatever our own state is. Called
// by process.cpp only, which does the forking; knows nothing of pipes, waiting or Boost.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/base/process.hpp"

namespace toehold {

struct Stdio {
  int in = -1, out = -1, err = -1;
};

/// /dev/null; throws Error(process).
FileDescriptor open_null(int flags);
/// What a child reads as its standard input: a file in memory, or /dev/null when there is nothing.
FileDescriptor open_input(const std::string& text);

/// A command made ready in the parent, so that the child needs nothing but system calls.
class Child {
 public:
  /// Looks the program up. `dies_with_us`: SIGKILL for it when our thread ends.
  Child(const Command& command, Stdio stdio, bool dies_with_us);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Empty when it is not in PATH.
  const std::string& program() const { return program_; }
  const char** argv() { return argv_.data(); }

  /// In the child: own session, standard streams and nothing else open, the caller's umask, default
  /// signals, then exec; never returns. Async-signal-safe, as the memory is the parent's (vfork).
  [[noreturn]] void become() const noexcept;

  /// In the parent: what went wrong in the child; empty if its program runs.
  std::string failure() const;

 private:
  [[noreturn]] void fail(int reason) const noexcept;
  void close_others() const noexcept;

  const Command& command_;
  std::string program_;
  std::vector<const char*> argv_;
  std::vector<std::string> entries_;
  std::vector<const char*> environment_;
  Stdio stdio_;
  bool dies_with_us_;
  pid_t parent_;
  mode_t umask_;
  unsigned most_descriptors_;
  mutable volatile int failure_ = 0;  // errno; negative: of the working directory
};

}  // namespace toehold
