// The lease of an instance: a timer there that powers it off, and so terminates it, when its build
// has not been heard of for that long. Armed at every boot by the user data, put off by a thread of
// the controller while the build lives. Called by the ec2 target; one that cannot be put off is
// only warned of.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/controller/transports/transport.hpp"

namespace toehold {

/// The program that arms the timer anew: argv, for the instance. Needs systemd there.
std::vector<std::string> lease_command(std::chrono::seconds time);
/// Runs it. Throws Error.
void arm_lease(Transport& transport, Clock& clock, std::chrono::seconds time, std::stop_token stop);

class LeaseKeeper {
 public:
  struct Ways {
    /// A connection of the thread's own.
    std::function<std::unique_ptr<Transport>()> connect;
    /// Writes down, where a sweep looks, until when the lease now runs.
    std::function<void(UnixMillis until)> note;
    /// Says it to a person, in a line.
    std::function<void(const std::string&)> say = [](const std::string&) {};
  };
  /// Renews the lease three times in its length. The clock outlives it.
  LeaseKeeper(Ways ways, Clock& clock, std::chrono::seconds time);
  ~LeaseKeeper();

 private:
  void work(const std::stop_token& stop);
  bool renew(const std::stop_token& stop);

  Ways ways_;
  Clock& clock_;
  std::chrono::seconds time_;
  std::jthread thread_;
};

}  // namespace toehold
