#include "runner/aws/call_rate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace toehold::aws {

namespace {

using namespace std::chrono_literals;

constexpr double slowest = 0.1;    // calls a second
constexpr double rounding = 1e-6;  // of a turn

/// What an account has at least: "Request throttling for the Amazon EC2 API" gives 5 changes and
/// 10 looks a second, "CloudWatch Logs quotas" 10 GetLogEvents. Of Systems Manager nothing is
/// published; it says when it is too much. Nullopt where limits are beyond what we do (S3, STS
/// ...).
std::optional<CallRate> rate_for(const std::string& service, const std::string& operation) {
  if (service == "ssm") return CallRate{40, 80};
  if (service == "logs" && operation == "GetLogEvents") return CallRate{10, 10};
  if (service != "ec2") return std::nullopt;
  const bool looks = operation.starts_with("Describe") || operation.starts_with("Get");
  return looks ? CallRate{10, 20} : CallRate{5, 10};
}

std::string key_of(const std::string& region, const std::string& service,
                   const std::string& operation) {
  return region + " " + service + " " + operation;
}

}  // namespace

CallRate::CallRate(double per_second, double burst)
    : first_rate_(per_second), burst_(burst), rate_(per_second), come_(burst) {}

void CallRate::fill(Monotonic now) {
  if (filled_ != Monotonic{}) {
    const double passed = std::chrono::duration<double>(now - filled_).count();
    const double most = static_cast<double>(taken_) + burst_;
    come_ = std::min(most, come_ + std::max(0.0, passed) * rate_);
  }
  filled_ = now;
}

CallRate::Turn CallRate::take_turn(Monotonic now) {
  fill(now);
  return ++taken_;
}

std::chrono::milliseconds CallRate::until(Turn turn, Monotonic now) {
  fill(now);
  const double missing = static_cast<double>(turn) - come_;
  if (missing < rounding) return 0ms;
  return std::chrono::milliseconds(std::llround(std::ceil(missing / rate_ * 1000)));
}

std::chrono::milliseconds CallRate::take(Monotonic now) {
  return until(take_turn(now), now);
}

void CallRate::throttled(Monotonic now) {
  if (slowed_ != Monotonic{} && now - slowed_ < 1s) return;  // answers to what was sent before
  fill(now);
  slowed_ = now;
  rate_ = std::max(slowest, rate_ / 2);
  come_ = std::min(come_, static_cast<double>(taken_));
}

void CallRate::answered() {
  rate_ = std::min(first_rate_, rate_ + first_rate_ / 20);
}

CallRate::Turn CallRates::take_turn(const std::string& region, const std::string& service,
                                    const std::string& operation, Monotonic now) {
  const auto rate = rate_for(service, operation);
  if (!rate) return 0;
  const std::lock_guard lock(mutex_);
  return rates_.try_emplace(key_of(region, service, operation), *rate).first->second.take_turn(now);
}

std::chrono::milliseconds CallRates::until(CallRate::Turn turn, const std::string& region,
                                           const std::string& service, const std::string& operation,
                                           Monotonic now) {
  if (turn == 0) return 0ms;
  const std::lock_guard lock(mutex_);
  const auto found = rates_.find(key_of(region, service, operation));
  return found == rates_.end() ? 0ms : found->second.until(turn, now);
}

void CallRates::note(const std::string& region, const std::string& service,
                     const std::string& operation, bool throttled, Monotonic now) {
  const std::lock_guard lock(mutex_);
  const auto found = rates_.find(key_of(region, service, operation));
  if (found == rates_.end()) return;
  if (throttled) return found->second.throttled(now);
  found->second.answered();
}

}  // namespace toehold::aws
