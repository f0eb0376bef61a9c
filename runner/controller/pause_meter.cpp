#include "runner/controller/pause_meter.hpp"

#include <algorithm>
#include <utility>

namespace toehold {

namespace {

constexpr std::chrono::milliseconds at_once(1);

}  // namespace

bool PauseMeter::sleep_for(std::chrono::milliseconds duration, std::stop_token stop) {
  if (std::this_thread::get_id() != owner_) return clock_.sleep_for(duration, std::move(stop));
  stretch_ = clock_.monotonic() - woke_ < at_once ? stretch_ + duration : duration;
  longest_ = std::max(longest_, stretch_);
  const bool slept = clock_.sleep_for(duration, std::move(stop));
  woke_ = clock_.monotonic();
  return slept;
}

}  // namespace toehold
