#include "runner/controller/ssm_relay.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "runner/base/base64.hpp"
#include "runner/base/json.hpp"
#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

/// An instance whose relay answers by what it is asked, and the bucket that it posts to.
struct Cloud : SessionHarness {
  SsmSettings settings{"i-1", "eu-west-1", {"b", "p/", {}}, "/agent", 600s};
  std::map<std::string, std::deque<RelayAnswer>> answers;  // by work; the last again and again
  std::map<std::uint64_t, std::string> chunks;             // those that are there
  std::vector<std::chrono::milliseconds> gets;             // when objects were asked for
  std::vector<std::string> works;                          // "read 17"
  std::function<void()> on_get;                            // before its answer
  std::vector<std::string> events;                         // of its log stream that can be seen
  std::size_t most_events = 3;                             // that are told at once
  std::vector<std::string> log_calls;                      // "GetLogEvents 3": what it asks from
  std::string out;
  Deadline limit;
  const Monotonic begun = clock.monotonic();
  std::string mark, work;
  bool reaches_s3 = true;
  std::string store;  // that it was told of

  Cloud() {
    http.on_send([this](const HttpRequest& request) { reply(request); });
  }

  std::chrono::milliseconds now() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic() - begun);
  }
  static std::string between(const std::string& text, const std::string& from) {
    const std::size_t begin = text.find(from) + from.size();
    return text.substr(begin, text.find('\'', begin) - begin);
  }

  void reply(const HttpRequest& request) {
    const std::string target = http.header(http.requests().size() - 1, "x-amz-target");
    if (target == "AmazonSSM.SendCommand") {
      mark = between(request.body, "mark='");
      const std::string text = base64_decode(between(request.body, "request='")).value();
      const RelayRequest asked = decode_relay_request(text);
      work = asked.work;
      if (work == "run") store = asked.url;
      works.push_back(work + (work == "read" ? " " + std::to_string(asked.offset) : ""));
      return http.add(200, R"({"Command": {"CommandId": "c-1"}})");
    }
    if (target == "AmazonSSM.GetCommandInvocation") {
      auto& list = answers[work];
      const RelayAnswer answer = list.empty() ? RelayAnswer{"gone", {}} : list.front();
      if (list.size() > 1) list.pop_front();
      return http.add(
          200, to_json(Value::object({{"Status", "Success"},
                                      {"StatusDetails", "Success"},
                                      {"StandardOutputContent", encode_answer(mark, answer)}})));
    }
    if (target.starts_with("Logs_20140328.")) return reply_of_logs(target.substr(14), request);
    if (request.method == "POST") return http.add(200, "<DeleteResult/>");
    gets.push_back(now());
    if (on_get) on_get();
    const std::string name =
        request.url.substr(request.url.find('?') == std::string::npos ? request.url.size() - 8
                                                                      : request.url.find('?') - 8,
                           8);
    const auto chunk = chunks.find(std::stoull(name));
    if (chunk == chunks.end()) {
      return http.add(404, "<Error><Code>NoSuchKey</Code></Error>");
    }
    http.add(200, chunk->second);
  }

  void reply_of_logs(const std::string& operation, const HttpRequest& request) {
    const Value asked = parse_json(request.body);
    CHECK(asked.find("logGroupName")->text() == "/g");
    CHECK(asked.find("logStreamName")->text().starts_with("toehold/b/build/"));
    const Value* token = asked.find("nextToken");
    log_calls.push_back(operation + (token ? " " + token->text() : ""));
    if (operation != "GetLogEvents") return http.add(200, "");
    gets.push_back(now());
    if (on_get) on_get();
    const std::size_t from = token ? std::stoul(token->text()) : 0;
    Value::List page;
    for (std::size_t i = from; i < std::min(events.size(), from + most_events); ++i) {
      page.push_back(Value::object({{"message", events[i]}}));
    }
    const std::string next = std::to_string(from + page.size());
    http.add(200, to_json(Value::object({{"events", page}, {"nextForwardToken", next}})));
  }
  static std::string event(std::uint64_t number, const std::string& text) {
    return encode_log_event(
        number, encode_chunk(number, text.empty() ? "" : encode_frame(Frame::out, text)));
  }
  static std::string last_event(std::uint64_t number) {
    return encode_log_event(number, last_chunk(number));
  }
  void goes_by_logs() {
    settings.logs = {"eu-west-1", "/g", "toehold/b/build/"};
    answers["run"] = {{"logs", {"no route"}}};
  }

  void says(std::uint64_t number, const std::string& text) {
    chunks[number] = encode_chunk(number, text.empty() ? "" : encode_frame(Frame::out, text));
  }
  static std::string last_chunk(std::uint64_t number) {
    ProcessResult result;
    result.exit_code = 7;
    return encode_chunk(number, encode_frame(Frame::outcome, encode_end(result)));
  }

  ProcessResult run() {
    aws::Watcher watcher(session());
    SsmChannel channel(watcher, clock, settings);
    SsmRelay relay(channel, session(), reaches_s3,
                   [this](Stream, std::string_view bytes) { out += bytes; },
                   {limit, stop.get_token(), {}});
    return relay.run({"program"});
  }
  std::string refusal() {
    try {
      run();
      return {};
    } catch (const Error& error) {
      return error.full_message();
    }
  }
  int count(const std::string& what) const {
    return static_cast<int>(std::count(works.begin(), works.end(), what));
  }
};

}  // namespace

TEST_CASE("objects are asked for sooner after one that came, and ever more seldom without") {
  Cloud cloud;
  cloud.answers["run"] = {{"s3", {}}};
  cloud.on_get = [&] {
    if (cloud.gets.size() == 9) cloud.says(0, "one ");
    if (cloud.gets.size() == 11) cloud.says(1, "two");
    if (cloud.gets.size() == 12) cloud.chunks[2] = Cloud::last_chunk(2);
  };
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.out == "one two");
  std::vector<long> pauses;
  for (std::size_t i = 1; i < cloud.gets.size(); ++i) {
    pauses.push_back((cloud.gets[i] - cloud.gets[i - 1]).count());
  }
  CHECK(pauses == std::vector<long>{300, 450, 675, 1012, 1518, 2000, 2000, 2000, 0, 300, 0});
  CHECK(cloud.works == std::vector<std::string>{"run"});
}

TEST_CASE("a relay that is silent is asked whether it is there, and lost when it is not") {
  Cloud cloud;
  cloud.answers["run"] = {{"s3", {}}};
  cloud.says(0, "first");
  CHECK(cloud.refusal() == "i-1 has lost the program: was it restarted?");
  CHECK(cloud.out == "first");
  CHECK(cloud.works == std::vector<std::string>{"run", "renew", "stop"});
  CHECK(cloud.gets.back() > 37s);
  CHECK(cloud.gets.back() < 42s);
}

TEST_CASE("what it has sent before it went is taken") {
  Cloud cloud;
  cloud.answers["run"] = {{"s3", {}}};
  cloud.on_get = [&] {
    if (cloud.count("renew") == 0) return;
    cloud.says(0, "last words");
    cloud.chunks[1] = Cloud::last_chunk(1);
  };
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.out == "last words");
}

TEST_CASE("the policy is renewed in half its time, while signs of life come") {
  Cloud cloud;
  cloud.answers["run"] = {{"s3", {}}};
  cloud.answers["renew"] = {{"s3", {}}};
  std::uint64_t number = 0;
  cloud.on_get = [&] {
    const auto due = static_cast<std::uint64_t>(cloud.now() / 15s);
    while (number < due) cloud.says(number++, "");
    if (cloud.now() > 4000s) cloud.chunks[number] = Cloud::last_chunk(number);
  };
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.count("renew") == 2);
}

TEST_CASE("a relay that goes over to its spool is read on there, each byte once") {
  Cloud cloud;
  cloud.answers["run"] = {{"s3", {}}};
  cloud.answers["renew"] = {{"spool", {}}};
  cloud.says(0, "by S3, ");
  const std::string spool =
      encode_chunk(0, encode_frame(Frame::out, "by S3, ")) +  // its answer was lost: sent again
      encode_chunk(1, encode_frame(Frame::out, "by command")) + Cloud::last_chunk(2);
  cloud.answers["read"] = {
      {"bytes", {spool.substr(0, 60)}}, {"bytes", {""}}, {"bytes", {spool.substr(60)}}};
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.out == "by S3, by command");
  CHECK(cloud.works ==
        std::vector<std::string>{"run", "renew", "read 0", "read 60", "read 60", "stop"});
}

TEST_CASE("after its deadline the program is told to end") {
  Cloud cloud;
  cloud.answers["run"] = {{"s3", {}}};
  cloud.limit = Deadline(cloud.clock.monotonic() + 5s);
  CHECK(cloud.run().timed_out);
  CHECK(cloud.works == std::vector<std::string>{"run", "stop"});
  CHECK(cloud.now() < 6s);
}

TEST_CASE("log events are read page by page, and the stream goes with the relay") {
  Cloud cloud;
  cloud.goes_by_logs();
  const std::string big(300 << 10, 'x');  // of which one makes it ask at once for more
  cloud.on_get = [&] {
    if (cloud.gets.size() == 4) {
      cloud.events = {Cloud::event(0, big), Cloud::event(1, big), Cloud::event(0, big),
                      Cloud::event(2, "end"), Cloud::last_event(3)};
    }
  };
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.out == big + big + "end");
  CHECK(cloud.log_calls == std::vector<std::string>{"GetLogEvents", "GetLogEvents 0",
                                                    "GetLogEvents 0", "GetLogEvents 0",
                                                    "GetLogEvents 3", "DeleteLogStream"});
  std::vector<long> pauses;
  for (std::size_t i = 1; i < cloud.gets.size(); ++i) {
    pauses.push_back((cloud.gets[i] - cloud.gets[i - 1]).count());
  }
  CHECK(pauses == std::vector<long>{600, 900, 1350, 0});
  CHECK(cloud.works == std::vector<std::string>{"run"});
}

TEST_CASE("an event that is shown after a later one is waited for, but not for ever") {
  Cloud cloud;
  cloud.goes_by_logs();
  cloud.events = {Cloud::event(0, "a"), Cloud::event(2, "c"), Cloud::last_event(3)};
  cloud.on_get = [&] {
    if (cloud.gets.size() == 5) cloud.events.insert(cloud.events.begin() + 1, Cloud::event(1, "b"));
  };
  cloud.most_events = 10;
  cloud.limit = Deadline(cloud.clock.monotonic() + 600s);
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.out == "abc");

  Cloud other;
  other.goes_by_logs();
  other.answers["renew"] = {{"s3", {}}};
  other.limit = Deadline(other.clock.monotonic() + 600s);
  other.events = {Cloud::event(0, "a"), Cloud::event(2, "c"), Cloud::last_event(3)};
  CHECK_THAT(other.refusal(), ContainsSubstring("does not show chunk 1"));
  CHECK(other.out == "a");
  CHECK(other.now() < 70s);
  CHECK(other.log_calls.back() == "DeleteLogStream");
}

TEST_CASE("what it has logged before it went over to its spool is waited for") {
  Cloud cloud;
  cloud.goes_by_logs();
  cloud.answers["renew"] = {{"spool", {}}};
  cloud.events = {Cloud::event(0, "by events, ")};
  cloud.on_get = [&] {
    const bool late = cloud.events.size() == 1 && cloud.gets.back() > cloud.gets[0] + 45s;
    if (late) cloud.events.push_back(Cloud::event(1, "some late, "));
  };
  const std::string spool =
      encode_chunk(2, encode_frame(Frame::out, "by command")) + Cloud::last_chunk(3);
  cloud.answers["read"] = {{"bytes", {spool}}};
  CHECK(cloud.run().exit_code == 7);
  CHECK(cloud.out == "by events, some late, by command");
  CHECK(cloud.works == std::vector<std::string>{"run", "renew", "read 0", "stop"});
  CHECK(cloud.log_calls.back() == "DeleteLogStream");
}

TEST_CASE("a program that is stopped leaves no stream") {
  Cloud cloud;
  cloud.goes_by_logs();
  cloud.limit = Deadline(cloud.clock.monotonic() + 5s);
  CHECK(cloud.run().timed_out);
  CHECK(cloud.works == std::vector<std::string>{"run", "stop"});
  CHECK(cloud.log_calls.back() == "DeleteLogStream");
}

TEST_CASE("a store that the instance is known not to reach is not spoken of") {
  Cloud cloud;
  cloud.answers["run"] = {{"inline", {Cloud::last_chunk(0)}}};
  cloud.run();
  CHECK_THAT(cloud.store, StartsWith("https://"));
  cloud.reaches_s3 = false;
  cloud.run();
  CHECK(cloud.store.empty());
}
