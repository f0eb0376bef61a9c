// PauseMeter: a clock that knows the longest time that the thread which made it has slept at a
// stretch. By so much at most a build notices anything too late; `--timing` says it. Made once a
// build by build_image; what other threads sleep (the lease, regions) is not counted.
#pragma once

#include <thread>

#include "runner/base/clock.hpp"

namespace toehold {

class PauseMeter final : public Clock {
 public:
  /// The clock outlives it.
  explicit PauseMeter(Clock& clock) : clock_(clock) {}
  UnixMillis unix_millis() const override { return clock_.unix_millis(); }
  Monotonic monotonic() const override { return clock_.monotonic(); }
  /// Sleeps that follow each other at once are one, since nothing was looked at in between.
  bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override;
  std::chrono::milliseconds longest() const { return longest_; }

 private:
  Clock& clock_;
  const std::thread::id owner_ = std::this_thread::get_id();
  Monotonic woke_{};
  std::chrono::milliseconds stretch_{0};
  std::chrono::milliseconds longest_{0};
};

}  // namespace toehold
