#include "runner/controller/ec2_lease.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

// Two units in turn: the next is armed before the last one is let go, so that there is no moment
// without a timer. $1: seconds. On one line, since an argument that goes over SSH has to be.
constexpr const char* arm_script =
    "next=toehold-lease-a; last=toehold-lease-b; "
    "if systemctl -q is-active $next.timer; then next=toehold-lease-b; last=toehold-lease-a; fi; "
    "systemctl -q stop $next.timer 2>/dev/null; "
    "systemd-run -q --unit=$next --on-active=$1s --timer-property=AccuracySec=1s "
    "systemctl poweroff || exit 1; "
    "systemctl -q stop $last.timer 2>/dev/null; exit 0";

}  // namespace

std::vector<std::string> lease_command(std::chrono::seconds time) {
  return {"sh", "-c", arm_script, "lease", std::to_string(time.count())};
}

void arm_lease(Transport& transport, Clock& clock, std::chrono::seconds time,
               std::stop_token stop) {
  std::string said;
  const ProcessResult result = transport.run(
      lease_command(time),
      [&](Stream, std::string_view bytes) {
        if (said.size() < 4096) said += bytes;
      },
      Deadline(clock.monotonic() + 60s), std::move(stop));
  if (result.succeeded()) return;
  if (result.cancelled) throw Error(Error::Kind::cancelled, "interrupted");
  const std::string words(trim(printable(said)));
  throw Error(Error::Kind::unsupported,
              transport.name() + ": cannot set a timer to power it off: " + describe(result) +
                  (words.empty() ? "" : ": " + words));
}

LeaseKeeper::LeaseKeeper(Ways ways, Clock& clock, std::chrono::seconds time)
    : ways_(std::move(ways)),
      clock_(clock),
      time_(time),
      thread_([this](std::stop_token stop) { work(stop); }) {}

LeaseKeeper::~LeaseKeeper() {
  thread_.request_stop();
}

bool LeaseKeeper::renew(const std::stop_token& stop) {
  try {
    const auto transport = ways_.connect();
    arm_lease(*transport, clock_, time_, stop);
    ways_.note(clock_.unix_millis() + std::chrono::milliseconds(time_).count());
    return true;
  } catch (const std::exception& error) {
    if (!stop.stop_requested()) {
      ways_.say("warning: the lease of the instance was not renewed: " + full_message(error));
    }
  }
  return false;
}

void LeaseKeeper::work(const std::stop_token& stop) {
  auto pause = std::chrono::milliseconds(time_) / 3;
  while (clock_.sleep_for(pause, stop)) {
    const bool renewed = renew(stop);
    // It may be rebooting; there is time for some more tries.
    pause = std::chrono::milliseconds(time_) / (renewed ? 3 : 12);
  }
}

}  // namespace toehold
