// SIGINT, SIGTERM and SIGHUP become a stop_token that every wait takes. Called by the mains, once.
// A second signal ends the process at once.
#pragma once

#include <stop_token>

namespace toehold {

/// Blocks SIGINT, SIGTERM and, unless nohup had it ignored, SIGHUP in this thread (and those it
/// starts) and returns the token that they trip. Call before any other thread exists.
std::stop_token stop_on_signals();
/// While one of these lives, the first signal already ends the process: for what no token ends,
/// such as reading from a named pipe or a terminal, and leaves nothing behind.
class SignalsEndAtOnce {
 public:
  SignalsEndAtOnce();
  ~SignalsEndAtOnce();
  SignalsEndAtOnce(const SignalsEndAtOnce&) = delete;
  SignalsEndAtOnce& operator=(const SignalsEndAtOnce&) = delete;
};

/// The signal that tripped the token, or 0.
int stopping_signal();

}  // namespace toehold
