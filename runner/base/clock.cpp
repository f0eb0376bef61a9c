#include "runner/base/clock.hpp"

#include <array>
#include <condition_variable>
#include <ctime>
#include <mutex>

namespace toehold {

UnixMillis SystemClock::unix_millis() const {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Monotonic SystemClock::monotonic() const {
  return std::chrono::steady_clock::now();
}

bool SystemClock::sleep_for(std::chrono::milliseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

std::string format_utc(UnixMillis time, const char* format) {
  const std::time_t seconds = static_cast<std::time_t>(time / 1000);
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  std::array<char, 64> buffer;
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), format, &fields)};
}

std::string rfc3339_utc(UnixMillis time) {
  return format_utc(time, "%Y-%m-%dT%H:%M:%SZ");
}

std::string rfc3339_local(UnixMillis time) {
  const std::time_t seconds = static_cast<std::time_t>(time / 1000);
  std::tm fields{};
  localtime_r(&seconds, &fields);
  if (fields.tm_gmtoff == 0) return rfc3339_utc(time);
  std::array<char, 64> buffer;
  std::string text(buffer.data(),
                   std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S%z", &fields));
  return text.insert(text.size() - 2, ":");
}

}  // namespace toehold
