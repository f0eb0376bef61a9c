// Error: the world is wrong (a system call, the network, another machine). Thrown where it
// happens, given context on the way up, and caught only by the step runner and by main.
// Never used for a wrong document (Diagnostic) nor for a failed step (Outcome).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace toehold {

class Error : public std::runtime_error {
 public:
  enum class Kind {
    usage,
    document,
    io,
    process,
    network,
    aws,
    timeout,
    cancelled,
    unsupported,
    busy,
    state,      // the journal cannot be read or written
    refused,    // an interrupted run of something else is in the way
    untrusted,  // another machine is not proven to be the one that is meant
  };

  /// `message` says what failed; `hint` what to do about it, as an imperative or a command to type.
  Error(Kind kind, const std::string& message, std::string hint = {});

  /// `what: strerror(errno_value)`
  static Error from_errno(const std::string& what, int errno_value, std::string hint = {});

  /// Adds a frame, outermost last: `throw error.during("reading the state folder")`.
  Error& during(std::string what);

  Kind kind() const { return kind_; }
  const std::string& hint() const { return hint_; }
  const std::vector<std::string>& frames() const { return frames_; }
  /// The message with its frames, on one line: `outer: inner: message`.
  std::string full_message() const;

 private:
  Kind kind_;
  std::string hint_;
  std::vector<std::string> frames_;
};

/// The same of what may be an Error, else what() of it: for threads and destructors, which let
/// nothing out.
std::string full_message(const std::exception& exception);

}  // namespace toehold
