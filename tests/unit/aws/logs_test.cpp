// Log groups, streams and batches against a service in memory that checks its limits.
#include "runner/aws/logs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/log_service.hpp"

using namespace toehold;
using namespace toehold::aws;
using test::LogService;

namespace {

constexpr UnixMillis now = 1'800'000'000'000;
constexpr UnixMillis hour = 60 * 60 * 1000;

struct Setting {
  LogService service;
  test::LogServiceSession setup{service};
  Client client{setup.session};
  Logs logs{client, {"", "/build/images", "run-1"}};
  Control control;
};

std::vector<test::LogServiceEvent> events_of(const LogBatch& batch) {
  std::vector<test::LogServiceEvent> events;
  const Value list = parse_json("[" + batch.json() + "]");
  for (const Value& item : list.list()) {
    events.push_back({*item.find("timestamp")->as_int(), item.find("message")->text()});
  }
  return events;
}

LogBatch batch_of(const std::string& text) {
  LogBatch batch;
  batch.begin(now);
  batch.add(now, text);
  return batch;
}

}  // namespace

TEST_CASE("a batch takes no more than 10,000 events") {
  LogBatch batch;
  batch.begin(now);
  for (int i = 0; i < 10'000; ++i) REQUIRE(batch.add(now, "x"));
  CHECK_FALSE(batch.add(now, "x"));
  CHECK(batch.count() == 10'000);
  CHECK(events_of(batch).size() == 10'000);
  batch.begin(now);
  CHECK(batch.count() == 0);
  CHECK(batch.add(now, "x"));
}

TEST_CASE("a batch takes no more than a MiB, 26 bytes of each event included") {
  LogBatch batch;
  batch.begin(now);
  const std::string text(LogBatch::longest_text, 'x');
  for (int i = 0; i < 4; ++i) REQUIRE(batch.add(now, text));
  CHECK(batch.bytes() == LogBatch::most_bytes);
  CHECK_FALSE(batch.add(now, "x"));
}

TEST_CASE("a batch spans no more than 24 hours") {
  LogBatch batch;
  batch.begin(now);
  REQUIRE(batch.add(now - 30 * hour, "first"));
  CHECK(batch.add(now - 6 * hour, "a day later"));
  CHECK_FALSE(batch.add(now - 6 * hour + 1, "a millisecond more"));
  CHECK(batch.count() == 2);
  batch.begin(now);
  CHECK(batch.add(now - 6 * hour + 1, "a millisecond more"));
}

TEST_CASE("events stay in order when the clock is set back") {
  LogBatch batch(now - 10);
  batch.begin(now);
  batch.add(now - 20, "a");
  batch.add(now, "b");
  batch.add(now - 5000, "c");
  CHECK(events_of(batch) ==
        std::vector<test::LogServiceEvent>{{now - 10, "a"}, {now, "b"}, {now, "c"}});
}

TEST_CASE("times that the service would refuse become its own") {
  LogBatch batch;
  batch.begin(now);
  batch.add(0, "no time at all");
  batch.add(now + 3 * hour, "a clock three hours ahead");
  batch.add(now - 15 * 24 * hour, "old");
  batch.add(now + hour, "ahead, but not too far");
  const auto events = events_of(batch);
  REQUIRE(events.size() == 4);
  CHECK(events[0].time == now);
  CHECK(events[1].time == now);
  CHECK(events[2].time == now);
  CHECK(events[3].time == now + hour);
}

TEST_CASE("malformed text becomes valid text, in as many events as that takes") {
  CHECK(events_of(batch_of("a\xff"
                           "b"))[0]
            .message ==
        "a\xEF\xBF\xBD"
        "b");
  LogBatch batch = batch_of(std::string(LogBatch::longest_text, '\xff'));
  std::string all;
  for (const auto& event : events_of(batch)) {
    CHECK(event.message.size() + 26 <= LogBatch::longest_event);
    CHECK_FALSE(find_invalid_utf8(event.message));
    all += event.message;
  }
  CHECK(all.size() == 3 * LogBatch::longest_text);
  CHECK(batch.bytes() == all.size() + 26 * batch.count());
  CHECK(batch.bytes() <= LogBatch::most_bytes);
}

TEST_CASE("nothing is not an event") {
  CHECK(batch_of("").count() == 0);
}

TEST_CASE("a missing group and stream are made, those that exist are used") {
  Setting stream;
  SECTION("neither is there") {
    stream.logs.create(stream.control);
    CHECK(stream.service.calls ==
          std::vector<std::string>{"CreateLogStream", "CreateLogGroup", "CreateLogStream"});
  }
  SECTION("the group is there") {
    stream.service.groups["/build/images"];
    stream.logs.create(stream.control);
    CHECK(stream.service.calls == std::vector<std::string>{"CreateLogStream"});
  }
  SECTION("both are there") {
    stream.service.groups["/build/images"] = {"run-1"};
    stream.logs.create(stream.control);
    CHECK(stream.service.calls.size() == 1);
  }
  SECTION("another one makes the group at the same time") {
    stream.service.script("CreateLogStream", {LogService::error("ResourceNotFoundException")});
    stream.service.groups["/build/images"];
    stream.logs.create(stream.control);
    CHECK(stream.service.calls.size() == 3);
  }
  CHECK(stream.service.groups.at("/build/images").contains("run-1"));
  CHECK_THAT(stream.service.urls[0], StartsWith("https://logs.eu-west-1.amazonaws.com/"));
}

TEST_CASE("the region can be another than the session's") {
  Setting stream;
  Logs logs(stream.client, {"us-gov-west-1", "g", "s"});
  logs.create(stream.control);
  CHECK_THAT(stream.service.urls[0], StartsWith("https://logs.us-gov-west-1.amazonaws.com/"));
}

TEST_CASE("what may not be made is told with the permission that is missing") {
  Setting stream;
  stream.service.script("CreateLogGroup", {LogService::error("AccessDeniedException")});
  try {
    stream.logs.create(stream.control);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::aws);
    CHECK_THAT(error.full_message(), ContainsSubstring("logs:CreateLogGroup") &&
                                         ContainsSubstring("log group /build/images"));
  }
}

TEST_CASE("events are put, and a stream that was deleted is made anew") {
  Setting stream;
  const RejectedEvents rejected = stream.logs.put(batch_of("hello\tä\""), stream.control);
  CHECK(rejected.count == 0);
  CHECK(stream.service.events == std::vector<test::LogServiceEvent>{{now, "hello\tä\""}});
  CHECK(stream.service.broken_rules.empty());
}

TEST_CASE("rejected events are counted, with the reason") {
  LogBatch batch;
  batch.begin(now);
  for (int i = 0; i < 10; ++i) batch.add(now, "x");
  const auto put = [&](const std::string& info) {
    Setting stream;
    stream.service.answer_put = [&](const auto&) {
      return R"({"rejectedLogEventsInfo":{)" + info + "}}";
    };
    return stream.logs.put(batch, stream.control);
  };
  CHECK(put("").count == 0);
  CHECK(put(R"("tooOldLogEventEndIndex":3)").count == 3);
  CHECK_THAT(put(R"("tooOldLogEventEndIndex":3)").why, ContainsSubstring("14 days"));
  CHECK(put(R"("tooNewLogEventStartIndex":6)").count == 4);
  CHECK(put(R"("tooOldLogEventEndIndex":1,"expiredLogEventEndIndex":2,)"
            R"("tooNewLogEventStartIndex":9)")
            .count == 3);
  CHECK_THAT(put(R"("expiredLogEventEndIndex":2)").why, ContainsSubstring("retention"));
}

TEST_CASE("a batch that will never be taken is rejected, not sent for ever") {
  Setting stream;
  stream.service.groups["/build/images"] = {"run-1"};
  stream.service.script("PutLogEvents", {LogService::error("InvalidParameterException")});
  const RejectedEvents rejected = stream.logs.put(batch_of("x"), stream.control);
  CHECK(rejected.count == 1);
  CHECK_THAT(rejected.why, ContainsSubstring("InvalidParameterException: so it is"));
}

TEST_CASE("throttling is waited out, and told of when it does not end") {
  Setting stream;
  stream.service.groups["/build/images"] = {"run-1"};
  const auto throttled = LogService::error("ThrottlingException");
  stream.service.script("PutLogEvents", {throttled, throttled});
  CHECK(stream.logs.put(batch_of("x"), stream.control).count == 0);
  CHECK(stream.setup.clock.sleeps.size() == 2);
  CHECK(stream.service.events.size() == 1);
  stream.service.always(throttled);
  CHECK_THROWS_AS(stream.logs.put(batch_of("x"), stream.control), Error);
}

TEST_CASE("names are checked as the service does") {
  for (const char* name : {"/aws/imagebuilder/x", "a", "A.b-c_d/e#1"}) {
    CHECK_NOTHROW(check_log_group(name));
  }
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a:b"), std::string(513, 'x')}) {
    CHECK_THROWS_AS(check_log_group(name), Error);
  }
  CHECK_NOTHROW(check_log_stream("1.0.0/1 of 2 [x]"));
  for (const std::string& name :
       {std::string(), std::string("a:b"), std::string("a*"), std::string(513, 'x')}) {
    CHECK_THROWS_AS(check_log_stream(name), Error);
  }
}
