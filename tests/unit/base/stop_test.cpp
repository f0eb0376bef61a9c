#include "runner/base/stop.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// In a child, as the handling of signals is the process's: stops on the first signal, tells so,
/// then waits for the second. Returns what waitpid says.
int status_after(int first, int second, char& told) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::stop_token token = stop_on_signals();
    ::kill(::getpid(), first);
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait(lock, token, [] { return false; });
    const char reached = token.stop_requested() && stopping_signal() == first ? 'y' : 'n';
    (void)!::write(ends[1], &reached, 1);
    if (second == 0) ::_exit(7);
    ::kill(::getpid(), second);
    for (;;) ::pause();
  }
  ::close(ends[1]);
  told = '?';
  (void)!::read(ends[0], &told, 1);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("the first signal trips the token, the second ends the process") {
  char told = 0;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const int status = status_after(signal, 0, told);
    CHECK(told == 'y');
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
  }
  const int status = status_after(SIGINT, SIGTERM, told);
  CHECK(told == 'y');
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
  CHECK(stopping_signal() == 0);  // of this process
}

TEST_CASE("below nohup a hang-up is nothing") {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGHUP, SIG_IGN);
    const std::stop_token token = stop_on_signals();
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGTERM);
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait(lock, token, [] { return false; });
    ::_exit(stopping_signal() == SIGTERM ? 7 : 8);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("before anything is under way the first signal ends the process") {
  const pid_t child = ::fork();
  if (child == 0) {
    const std::stop_token token = stop_on_signals();
    { const SignalsEndAtOnce passed; }
    const SignalsEndAtOnce reading;
    ::kill(::getpid(), SIGINT);
    for (;;) ::pause();
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}
