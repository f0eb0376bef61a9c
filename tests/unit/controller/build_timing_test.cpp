#include "runner/controller/build_timing.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;
using namespace std::chrono_literals;

namespace {

class HandClock final : public Clock {
 public:
  UnixMillis unix_millis() const override { return 0; }
  Monotonic monotonic() const override { return now; }
  bool sleep_for(std::chrono::milliseconds, std::stop_token) override { return true; }
  Monotonic now{};
};

}  // namespace

TEST_CASE("each lap has its time, and a stage's steps stand below it") {
  HandClock clock;
  BuildTiming timing(clock);
  clock.now += 1500ms;
  timing.lap("start");
  clock.now += 10s;
  timing.stage("build", {{"0/build/A", "build", "A", "success", false, 4, {}},
                         {"0/build/B", "build", "B", "skipped", false, 0, {}}});
  CHECK(timing.text() ==
        "== where the time went\n"
        "     1.50 s  start\n"
        "    10.00 s  stage build\n"
        "         4.00 s  build.A\n"
        "         6.00 s  before, between and after the steps\n"
        "    11.50 s  in all\n");
}
