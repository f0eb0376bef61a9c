#include "runner/base/stop.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "runner/base/error.hpp"

namespace toehold {

namespace {

std::atomic<int> received{0};
std::atomic<int> ends_at_once{0};

void end_at_once(int signal) {
  ::signal(signal, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::raise(signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

void wait_for_signals(sigset_t signals, std::stop_source source) {
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    int none = 0;
    const bool is_first = received.compare_exchange_strong(none, signal);
    if (ends_at_once > 0 || !is_first) end_at_once(signal);
    source.request_stop();
  }
}

}  // namespace

std::stop_token stop_on_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
    ::sigaddset(&signals, SIGHUP);  // ignored: nohup started us
  }
  if (const int reason = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); reason != 0) {
    throw Error::from_errno("cannot block signals", reason);
  }
  std::stop_source source;
  std::thread(wait_for_signals, signals, source).detach();
  return source.get_token();
}

SignalsEndAtOnce::SignalsEndAtOnce() {
  ++ends_at_once;
  if (const int signal = received) end_at_once(signal);  // it came just before
}

SignalsEndAtOnce::~SignalsEndAtOnce() {
  --ends_at_once;
}

int stopping_signal() {
  return received;
}

}  // namespace toehold
