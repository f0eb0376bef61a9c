#include "runner/aws/watcher.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "runner/aws/batched.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

/// A service with states by id, that keeps what it was asked for at once. Its pace is one call a
/// second, the first at once.
struct Service {
  using Answers = std::map<std::string, int>;
  VirtualClock clock;
  std::mutex mutex;
  std::vector<std::set<std::string>> calls;
  std::map<std::string, int> states;
  std::function<void(const std::set<std::string>&)> on_call;
  aws::Batched<int> batched{clock, 5, {1, 1}, [this](const auto& ids, const aws::Control&) {
                              {
                                const std::lock_guard lock(mutex);
                                calls.push_back(ids);
                              }
                              if (on_call) on_call(ids);
                              Answers answers;
                              for (const auto& id : ids) {
                                if (states.count(id)) answers[id] = states[id];
                              }
                              return answers;
                            }};

  /// Holds the caller's sleep until so many have asked, or as many as there may be in its call.
  void gather(int count, const std::function<void(int)>& ask) {
    std::vector<std::jthread> threads;
    std::atomic<bool> gathered{false};
    clock.on_sleep = [&] {
      if (gathered.exchange(true)) return;
      for (int i = 1; i < count; ++i) threads.emplace_back([&, i] { ask(i); });
      // Of more than that nobody knows when the last has asked: they are asked for meanwhile.
      while (count <= 5 && batched.waiting() < std::size_t(count)) std::this_thread::yield();
    };
    ask(0);
    threads.clear();
    clock.on_sleep = nullptr;
  }
};

std::string id(int number) {
  return "i-" + std::to_string(number);
}

}  // namespace

TEST_CASE("whoever asks before the call is made is in it") {
  Service service;
  service.states = {{"i-0", 0}, {"i-1", 1}, {"i-2", 2}, {"i-3", 3}};
  CHECK(service.batched.about("i-9", {}) == std::nullopt);  // the first one does not wait
  std::atomic<int> right{0};
  service.gather(4, [&](int number) { right += service.batched.about(id(number), {}) == number; });
  CHECK(right == 4);
  REQUIRE(service.calls.size() == 2);
  CHECK(service.calls[1] == std::set<std::string>{"i-0", "i-1", "i-2", "i-3"});
  CHECK(service.clock.sleeps == std::vector<std::chrono::milliseconds>{1000ms});
}

TEST_CASE("a call has no more ids than it may") {
  Service service;
  service.batched.about("i-9", {});
  service.gather(8, [&](int number) { service.batched.about(id(number), {}); });
  std::size_t asked = 0;
  for (const auto& ids : service.calls) {
    CHECK(ids.size() <= 5);
    asked += ids.size();
  }
  CHECK(asked == 9);
}

TEST_CASE("one that the service does not like fails by itself") {
  Service service;
  service.states = {{"i-0", 0}, {"i-1", 1}, {"i-2", 2}};
  service.on_call = [](const std::set<std::string>& ids) {
    if (ids.count("i-1")) throw Error(Error::Kind::aws, "i-1 is malformed");
  };
  service.batched.about("i-9", {});
  std::atomic<int> right{0}, failed{0};
  service.gather(3, [&](int number) {
    try {
      right += service.batched.about(id(number), {}) == number;
    } catch (const Error&) {
      failed += number == 1;
    }
  });
  CHECK(right == 2);
  CHECK(failed == 1);
}

TEST_CASE("the trouble of a call is that of all who are in it, and of nobody after") {
  Service service;
  service.states = {{"i-0", 0}, {"i-1", 1}};
  service.on_call = [](const auto&) { throw Error(Error::Kind::network, "no answer"); };
  CHECK_THROWS_AS(service.batched.about("i-0", {}), Error);
  std::atomic<int> failed{0};
  service.gather(2, [&](int number) {
    try {
      service.batched.about(id(number), {});
    } catch (const Error& error) {
      failed += error.kind() == Error::Kind::network;
    }
  });
  CHECK(failed == 2);
  CHECK(service.calls.size() == 2);
  service.on_call = nullptr;
  CHECK(service.batched.about("i-1", {}) == 1);
}

TEST_CASE("nobody waits for a call that came to a bug") {
  Service service;
  service.batched.about("i-9", {});
  service.on_call = [](const auto&) { throw std::logic_error("a bug"); };
  std::atomic<int> thrown{0};
  service.gather(2, [&](int number) {
    try {
      service.batched.about(id(number), {});
    } catch (const std::logic_error&) {
      ++thrown;
    }
  });
  CHECK(thrown == 2);
}

TEST_CASE("whoever is told to stop leaves the question to the others") {
  Service service;
  service.states = {{"i-0", 0}, {"i-1", 1}};
  service.batched.about("i-9", {});
  std::stop_source stop;
  std::atomic<int> answered{0}, cancelled{0};
  service.gather(2, [&](int number) {
    try {
      aws::Control control;
      if (number == 0) control.stop = stop.get_token();
      if (number == 1) stop.request_stop();
      answered += service.batched.about(id(number), control) == number;
    } catch (const Error& error) {
      cancelled += number == 0 && error.kind() == Error::Kind::cancelled;
    }
  });
  CHECK(answered == 1);
  CHECK(cancelled == 1);
  for (std::size_t i = 1; i < service.calls.size(); ++i) CHECK(service.calls[i].count("i-0") == 0);
}

TEST_CASE("a call that hangs holds up nobody who asks after it") {
  Service service;
  service.states = {{"i-0", 0}, {"i-1", 1}};
  std::atomic<bool> hangs{true};
  service.on_call = [&](const std::set<std::string>& ids) {
    if (ids.count("i-0")) hangs.wait(true);
  };
  std::jthread slow([&] { service.batched.about("i-0", {}); });
  const auto begun = [&] {
    const std::lock_guard lock(service.mutex);
    return !service.calls.empty();
  };
  while (!begun()) std::this_thread::yield();
  CHECK(service.batched.about("i-1", {}) == 1);
  hangs = false;
  hangs.notify_all();
}

TEST_CASE("states are asked for by filters, so that one that is not there costs nothing") {
  Ec2Harness ec2;
  aws::Watcher watcher(ec2.session);
  ec2.answer("DescribeInstances", "<reservationSet/>");
  CHECK_FALSE(watcher.instance("i-young", {}));
  CHECK(ec2.form(0) ==
        "Action=DescribeInstances\nFilter.1.Name=instance-id\nFilter.1.Value.1=i-young\n"
        "MaxResults=500\n");
  ec2.answer("DescribeInstances",
             "<reservationSet><item><instancesSet><item><instanceId>i-young</instanceId>"
             "<instanceState><name>running</name></instanceState></item></instancesSet></item>"
             "</reservationSet>");
  const auto seen = watcher.instance("i-young", {});
  REQUIRE(seen);
  CHECK(seen->state == "running");
}

TEST_CASE("instances of builds are told apart by their tag") {
  Ec2Harness ec2;
  aws::Watcher watcher(ec2.session);
  ec2.answer("DescribeInstances",
             "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>"
             "<tagSet><item><key>build</key><value>a</value></item></tagSet></item>"
             "<item><instanceId>i-2</instanceId></item>"
             "<item><instanceId>i-3</instanceId><instanceState><name>terminated</name>"
             "</instanceState><tagSet><item><key>build</key><value>a</value></item></tagSet></item>"
             "</instancesSet></item></reservationSet>");
  const auto found = watcher.instances_with("build", "a", {});
  REQUIRE(found.size() == 1);
  CHECK(found.front().id == "i-1");
  // Nothing but the builds: 200 values, of all filters together, are what a call may have.
  CHECK(ec2.form(0) ==
        "Action=DescribeInstances\nFilter.1.Name=tag:build\nFilter.1.Value.1=a\n"
        "MaxResults=500\n");
}

TEST_CASE("a few commands are not listed first") {
  Ec2Harness ec2;
  aws::Watcher watcher(ec2.session);
  CHECK_FALSE(watcher.is_under_way("c-1", {}));
  CHECK(ec2.http.requests().empty());
}

TEST_CASE("many commands are listed, from the first on that was asked about") {
  Ec2Harness ec2;
  aws::Watcher watcher(ec2.session);
  for (int i = 0; i < 100; ++i) ec2.http.add(200, R"({"CommandInvocations": []})");
  const UnixMillis begun = ec2.clock.unix_millis();
  CHECK_FALSE(watcher.is_under_way("c-1", {}));
  ec2.clock.sleep_for(2h, {});
  // Those that ask while the first of them waits for its turn are in its call: until four were.
  while (ec2.http.requests().empty()) {
    std::vector<std::jthread> others;
    std::atomic<int> asking{0};
    std::atomic<bool> begun_to{false};
    ec2.clock.on_sleep = [&] {
      if (begun_to.exchange(true)) return;
      for (int i = 2; i <= 5; ++i) {
        others.emplace_back([&, i] {
          ++asking;
          watcher.is_under_way("c-" + std::to_string(i), {});
        });
      }
      while (asking < 4) std::this_thread::yield();
    };
    watcher.is_under_way("c-1", {});
  }
  CHECK_THAT(ec2.http.requests()[0].body, ContainsSubstring(rfc3339_utc(begun - 5 * 60 * 1000)));
}
