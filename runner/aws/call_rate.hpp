// How often calls are made: a bucket of tokens for each kind of call, which a service's throttling
// makes slower at once and its answers faster again, bit by bit. Shared by all threads of a
// session; waits for nothing itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "runner/base/clock.hpp"

namespace toehold::aws {

class CallRate {
 public:
  /// `burst`: calls that may come at once after a rest, at least 1.
  CallRate(double per_second, double burst);

  /// The next turn, which comes after all that were taken before.
  using Turn = std::uint64_t;
  Turn take_turn(Monotonic now);
  /// How long from `now` on it is until then, as fast as it goes now; 0: it has come.
  std::chrono::milliseconds until(Turn turn, Monotonic now);
  /// Both at once, where the rate stays as it is.
  std::chrono::milliseconds take(Monotonic now);
  /// Half as fast, at most once a second; and nothing for a rest any more.
  void throttled(Monotonic now);
  /// A twentieth faster, up to where it began.
  void answered();
  double per_second() const { return rate_; }

 private:
  void fill(Monotonic now);

  const double first_rate_;
  const double burst_;
  double rate_;
  double come_;     // how many turns have come since the beginning
  Turn taken_ = 0;  // those above `come_` are waited for
  Monotonic filled_{};
  Monotonic slowed_{};
};

/// The buckets of a session: one a region, service and operation.
class CallRates {
 public:
  /// 0 for calls whose limits are beyond what we do; else for `until`.
  CallRate::Turn take_turn(const std::string& region, const std::string& service,
                           const std::string& operation, Monotonic now);
  /// As CallRate has it. Ask again after a while: the rate may be another by then.
  std::chrono::milliseconds until(CallRate::Turn turn, const std::string& region,
                                  const std::string& service, const std::string& operation,
                                  Monotonic now);
  /// What came of it.
  void note(const std::string& region, const std::string& service, const std::string& operation,
            bool throttled, Monotonic now);

 private:
  std::mutex mutex_;
  std::map<std::string, CallRate> rates_;
};

}  // namespace toehold::aws
