// A clock that only moves when somebody sleeps on it, so that waits take no time and can be looked
// at. Included by tests of what waits; sleeps never.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "runner/base/clock.hpp"

namespace toehold::test {

class VirtualClock final : public Clock {
 public:
  UnixMillis unix_millis() const override {
    const std::lock_guard lock(mutex_);
    return unix_millis_;
  }
  Monotonic monotonic() const override {
    const std::lock_guard lock(mutex_);
    return monotonic_;
  }
  bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override {
    {
      const std::lock_guard lock(mutex_);
      sleeps.push_back(duration);
    }
    if (on_sleep) on_sleep();
    if (stop.stop_requested()) return false;
    const std::lock_guard lock(mutex_);
    monotonic_ += duration;
    unix_millis_ += duration.count();
    return true;
  }

  std::vector<std::chrono::milliseconds> sleeps;
  std::function<void()> on_sleep;

 private:
  mutable std::mutex mutex_;  // several threads may wait
  // The real time to begin with: what has a deadline may look at the real clock, too.
  Monotonic monotonic_ = std::chrono::steady_clock::now();
  UnixMillis unix_millis_ = SystemClock().unix_millis();
};

}  // namespace toehold::test
