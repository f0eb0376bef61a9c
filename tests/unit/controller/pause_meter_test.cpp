#include "runner/controller/pause_meter.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace toehold;
using namespace std::chrono_literals;

TEST_CASE("a pause in pieces is one, and those of other threads do not count") {
  test::VirtualClock clock;
  PauseMeter meter(clock);
  clock.sleep_for(1h, {});
  meter.sleep_for(200ms, {});
  meter.sleep_for(200ms, {});
  CHECK(meter.longest() == 400ms);
  clock.sleep_for(5ms, {});  // something was looked at
  meter.sleep_for(300ms, {});
  CHECK(meter.longest() == 400ms);
  std::thread([&] { meter.sleep_for(20min, {}); }).join();
  CHECK(meter.longest() == 400ms);
}
