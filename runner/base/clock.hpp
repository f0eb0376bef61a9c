// Time as the rest of the program sees it. A seam: tests use a virtual clock, so that nothing ever
// sleeps to be right. Deadlines are on the monotonic clock; a changed wall clock does not move
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

namespace toehold {

using Seconds = std::chrono::seconds;
using Monotonic = std::chrono::steady_clock::time_point;
/// Milliseconds since 1970 UTC; what events carry.
using UnixMillis = std::int64_t;

/// A point on the monotonic clock, or never.
class Deadline {
 public:
  Deadline() = default;  // never
  explicit Deadline(Monotonic at) : at_(at) {}
  bool never() const { return !at_; }
  const std::optional<Monotonic>& at() const { return at_; }
  bool passed(Monotonic now) const { return at_ && now >= *at_; }

 private:
  std::optional<Monotonic> at_;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis unix_millis() const = 0;
  virtual Monotonic monotonic() const = 0;
  /// False when stopped before `duration` was over.
  virtual bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) = 0;
};

class SystemClock final : public Clock {
 public:
  UnixMillis unix_millis() const override;
  Monotonic monotonic() const override;
  bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override;
};

/// `2026-03-01T12:00:00Z`
std::string rfc3339_utc(UnixMillis time);
/// `2026-03-01T13:00:00+01:00`: the zone of this machine.
std::string rfc3339_local(UnixMillis time);
/// strftime in UTC.
std::string format_utc(UnixMillis time, const char* format);

}  // namespace toehold
