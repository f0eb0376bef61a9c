#include "runner/aws/call_rate.hpp"

#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

TEST_CASE("calls come at once for a while, then at the rate") {
  aws::CallRate rate(2, 3);
  const Monotonic now = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) CHECK(rate.take(now) == 0ms);
  CHECK(rate.take(now) == 500ms);
  CHECK(rate.take(now) == 1000ms);
  CHECK(rate.take(now + 1500ms) == 0ms);  // the turns before have passed by then
  CHECK(rate.take(now + 60s) == 0ms);
}

TEST_CASE("throttling halves the rate once a second, and answers bring it back") {
  aws::CallRate rate(8, 10);
  const Monotonic now = std::chrono::steady_clock::now();
  rate.take(now);
  rate.throttled(now);
  rate.throttled(now + 100ms);  // sent before the first was answered
  CHECK(rate.per_second() == 4);
  CHECK(rate.take(now + 100ms) > 0ms);  // nothing is left of the burst
  rate.throttled(now + 1100ms);
  CHECK(rate.per_second() == 2);
  for (int i = 0; i < 100; ++i) rate.answered();
  CHECK(rate.per_second() == 8);
  for (int i = 1; i < 100; ++i) rate.throttled(now + i * 2s);
  CHECK(rate.per_second() == 0.1);
}

TEST_CASE("turns come in their order, and sooner once the rate is back") {
  aws::CallRate rate(8, 1);
  const Monotonic now = std::chrono::steady_clock::now();
  for (int i = 1; i < 10; ++i) rate.throttled(now + i * 2s);
  const Monotonic then = now + 20s;
  CHECK(rate.per_second() == 0.1);
  std::vector<aws::CallRate::Turn> turns;
  for (int i = 0; i < 31; ++i) turns.push_back(rate.take_turn(then));
  CHECK(rate.until(turns[30], then) >= 300s);
  for (int i = 0; i < 20; ++i) rate.answered();
  CHECK(rate.until(turns[30], then) < 4s);
  CHECK(rate.until(turns[29], then) < rate.until(turns[30], then));
  CHECK(rate.until(turns[0], then + 2s) == 0ms);
  CHECK(rate.until(turns[30], then + 2s) > 0ms);
  CHECK(rate.until(turns[30], then + 4s) == 0ms);
}

TEST_CASE("a client that waits for its turn looks at the rate again") {
  SessionHarness harness;
  auto& rates = harness.session().rates();
  const auto now = [&] { return harness.clock.monotonic(); };
  rates.take_turn("eu-west-1", "ec2", "RunInstances", now());
  for (int i = 0; i < 10; ++i) {
    rates.note("eu-west-1", "ec2", "RunInstances", true, now());
    harness.clock.sleep_for(2s, {});
  }
  for (int i = 0; i < 30; ++i) rates.take_turn("eu-west-1", "ec2", "RunInstances", now());
  harness.clock.on_sleep = [&] {
    for (int i = 0; i < 20; ++i) rates.note("eu-west-1", "ec2", "RunInstances", false, now());
  };
  harness.http.add(200, "{}");
  const Monotonic begun = now();
  harness.deadline = Deadline(begun + 100ms);
  CHECK_FALSE(
      harness.send(aws::json_call(aws::services::ec2, "Amazon.RunInstances", "{}")).failure);
  CHECK(now() - begun < 10s);
  CHECK(*harness.http.requests().back().deadline.at() == now() + 100ms);
}

TEST_CASE("a client waits for its turn, which does not count against its deadline") {
  SessionHarness harness;
  aws::Call call = aws::json_call(aws::services::ec2, "Amazon.RunInstances", "{}");
  for (int i = 0; i < 400; ++i) harness.http.add(200, "{}");
  const Monotonic begun = harness.clock.monotonic();
  harness.deadline = Deadline(begun + 100ms);
  for (int i = 0; i < 11; ++i) {
    harness.deadline = Deadline(harness.clock.monotonic() + 100ms);
    CHECK_FALSE(harness.send(call).failure);
  }
  CHECK(harness.clock.monotonic() - begun == 200ms);  // ten at once, five a second
  CHECK(harness.http.requests().size() == 11);
  CHECK(*harness.http.requests().back().deadline.at() == *harness.deadline.at() + 200ms);

  harness.stop.request_stop();
  const aws::Answer none = harness.send(call);
  REQUIRE(none.failure);
  CHECK(none.failure->ending == Error::Kind::cancelled);
  CHECK(harness.http.requests().size() == 11);
}

TEST_CASE("only calls that AWS counts wait") {
  aws::CallRates rates;
  const Monotonic now = std::chrono::steady_clock::now();
  const auto eleventh = [&](const char* service, const char* operation) {
    for (int i = 0; i < 10; ++i) rates.take_turn("r", service, operation, now);
    const auto turn = rates.take_turn("r", service, operation, now);
    return rates.until(turn, "r", service, operation, now);
  };
  CHECK(eleventh("ec2", "RunInstances") == 200ms);
  CHECK(eleventh("ec2", "DescribeInstances") == 0ms);
  CHECK(eleventh("logs", "GetLogEvents") == 100ms);
  CHECK(eleventh("logs", "PutLogEvents") == 0ms);
  CHECK(eleventh("s3", "PutObject") == 0ms);
}
