#include "runner/controller/ec2_lease.hpp"

#include <condition_variable>
#include <mutex>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_transport.hpp"

using namespace toehold;
using namespace std::chrono_literals;

namespace {

/// Every sleep is over at once, so often; then until it is stopped.
class FewSleeps final : public Clock {
 public:
  explicit FewSleeps(int sleeps) : left_(sleeps) {}
  UnixMillis unix_millis() const override { return 1'000'000; }
  Monotonic monotonic() const override { return {}; }
  bool sleep_for(std::chrono::milliseconds duration, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    slept.push_back(duration);
    if (left_-- > 0) return true;
    over_ = true;
    wake_.notify_all();
    wake_.wait(lock, stop, [] { return false; });
    return false;
  }
  void wait_until_over() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return over_; });
  }
  std::vector<std::chrono::milliseconds> slept;

 private:
  int left_;
  bool over_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
};

/// What the script does with a systemd in which `active` is the timer that is armed.
std::string calls_of(const std::string& active) {
  const TempDirectory folder(std::filesystem::temp_directory_path(), "lease-");
  const auto program = [&](const char* name, const std::string& text) {
    write_file_atomically(folder.path() / name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(folder.path() / name, std::filesystem::perms::owner_all);
  };
  program("systemctl",
          "echo systemctl \"$@\"\n[ \"$2\" != is-active ] || [ \"$3\" = \"" + active + "\" ]\n");
  program("systemd-run", "echo systemd-run \"$@\"\n");
  RealProcessRunner processes;
  const Command command{
      lease_command(3600s), "/", {{"PATH", folder.path().string() + ":/usr/bin:/bin"}}};
  std::string said;
  const ProcessResult result =
      processes.run(command, [&](Stream, std::string_view bytes) { said += bytes; }, {}, {}, {});
  CHECK(result.succeeded());
  return said;
}

}  // namespace

TEST_CASE("a lease is armed anew before the last one is let go") {
  const std::string first = calls_of("toehold-lease-a.timer");
  CHECK_THAT(first, ContainsSubstring("systemd-run -q --unit=toehold-lease-b --on-active=3600s"));
  CHECK(first.find("systemd-run") < first.find("systemctl -q stop toehold-lease-a.timer"));
  const std::string second = calls_of("toehold-lease-b.timer");
  CHECK_THAT(second, ContainsSubstring("systemd-run -q --unit=toehold-lease-a --on-active=3600s"));
  CHECK(second.find("systemd-run") < second.find("systemctl -q stop toehold-lease-b.timer"));
  CHECK_THAT(calls_of(""), ContainsSubstring("--unit=toehold-lease-a"));
}

TEST_CASE("a machine that cannot be powered off by a timer is told of") {
  test::FakeTransport transport;
  transport.on_run = [](const auto&, const OnOutput& on_output) {
    on_output(Stream::err, "sh: systemd-run: not found\n");
    return 1;
  };
  SystemClock clock;
  CHECK_THROWS_WITH(arm_lease(transport, clock, 600s, {}),
                    ContainsSubstring("cannot set a timer") && ContainsSubstring("not found"));
}

TEST_CASE("a lease is renewed three times in its length, and written down") {
  FewSleeps clock(2);
  std::vector<UnixMillis> noted;
  int connections = 0;
  {
    LeaseKeeper keeper({[&] {
                          ++connections;
                          return std::make_unique<test::FakeTransport>();
                        },
                        [&](UnixMillis until) { noted.push_back(until); }},
                       clock, 600s);
    clock.wait_until_over();
  }
  CHECK(connections == 2);
  CHECK(noted == std::vector<UnixMillis>{1'600'000, 1'600'000});
  CHECK(clock.slept.front() == 200s);
}

TEST_CASE("a lease that could not be renewed is tried again sooner") {
  const bool is_ours = GENERATE(true, false);
  FewSleeps clock(1);
  std::string said;
  {
    const auto connect = [&]() -> std::unique_ptr<Transport> {
      if (is_ours) throw Error(Error::Kind::network, "it reboots");
      throw std::runtime_error("no thread is left");
    };
    LeaseKeeper keeper({connect, [](UnixMillis) {}, [&](const std::string& text) { said = text; }},
                       clock, 600s);
    clock.wait_until_over();
  }
  CHECK(clock.slept.at(1) == 50s);
  CHECK_THAT(said, ContainsSubstring(is_ours ? "it reboots" : "no thread is left"));
}
