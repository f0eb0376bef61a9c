#include "runner/controller/ssm_channel.hpp"

#include "runner/base/json.hpp"
#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

const SsmScript script{"5a", {"the script"}};

struct Instance : SessionHarness {
  SsmSettings settings{"i-1", "eu-west-1", {"b", "p/", {}}, "/agent", 600s};
  std::optional<aws::Watcher> watcher;
  std::optional<SsmChannel> channel;
  Deadline limit;
  int ticks = 0;

  void takes() { http.add(200, R"({"Command": {"CommandId": "c-1"}})"); }
  void refuses(const std::string& code, long status = 400) {
    http.add(status, R"({"__type": ")" + code + R"(", "message": "m"})");
  }
  void is(const std::string& status, const std::string& details, const std::string& out = {},
          const std::string& err = {}) {
    http.add(200, to_json(Value::object({{"Status", status},
                                         {"StatusDetails", details},
                                         {"StandardOutputContent", out},
                                         {"StandardErrorContent", err}})));
  }
  void answers() { is("Success", "Success", encode_answer("5a", {"done", {"x"}})); }
  RelayAnswer ask() {
    if (!watcher) watcher.emplace(session());
    if (!channel) channel.emplace(*watcher, clock, settings);
    return channel->ask(script, 60s, {limit, stop.get_token(), [this] { ++ticks; }});
  }
  std::string refusal() {
    try {
      ask();
      return {};
    } catch (const Error& error) {
      kind = error.kind();
      return error.what();
    }
  }
  int calls(const std::string& operation) const {
    int count = 0;
    for (std::size_t i = 0; i < http.requests().size(); ++i) {
      count += http.header(i, "x-amz-target") == "AmazonSSM." + operation;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("a command is sent, waited for and read") {
  Instance it;
  it.takes();
  it.refuses("InvocationDoesNotExist");
  it.is("Pending", "Pending");
  it.is("Delayed", "Delayed");
  it.is("InProgress", "InProgress");
  it.answers();
  const RelayAnswer answer = it.ask();
  CHECK(answer.kind == "done");
  CHECK(answer.parts == std::vector<std::string>{"x"});
  CHECK(it.ticks >= 5);
  const std::string body = it.http.requests()[0].body;
  CHECK_THAT(body, ContainsSubstring(R"("DocumentName":"AWS-RunShellScript")"));
  CHECK_THAT(body, ContainsSubstring(R"("commands":["the script"],"executionTimeout":["60"])"));
}

TEST_CASE("every state without an answer is said in words") {
  struct Case {
    const char *status, *details, *words;
    Error::Kind kind;
  };
  for (const Case& each :
       {Case{"TimedOut", "DeliveryTimedOut", "not taken in time", Error::Kind::network},
        Case{"TimedOut", "Delivery Timed Out", "not taken in time", Error::Kind::network},
        Case{"TimedOut", "ExecutionTimedOut", "longer than it may", Error::Kind::network},
        Case{"Failed", "Undeliverable", "cannot be delivered", Error::Kind::network},
        Case{"Cancelled", "Cancelled", "cancelled", Error::Kind::network},
        Case{"Failed", "Terminated", "ended the command", Error::Kind::network},
        Case{"Failed", "TerminatedOnReboot", "a restart", Error::Kind::network},
        Case{"Failed", "AccessDenied", "denied", Error::Kind::aws},
        Case{"Failed", "Invalid Platform", "no Linux", Error::Kind::aws},
        Case{"Failed", "Failed", "without an answer (Failed): sh: no", Error::Kind::network},
        Case{"Success", "Success", "output has no answer", Error::Kind::network}}) {
    Instance it;
    it.takes();
    it.is(each.status, each.details, "noise, and toehold-5a done =eA", "sh: no\n");
    CHECK_THAT(it.refusal(), ContainsSubstring(each.words));
    CHECK(it.kind == each.kind);
    CHECK(it.calls("CancelCommand") == 0);
  }
}

TEST_CASE("an instance that is not known yet is asked again, but not for ever") {
  Instance it;
  it.refuses("InvalidInstanceId");
  it.refuses("InvalidInstanceId");
  it.takes();
  it.answers();
  CHECK(it.ask().kind == "done");
  // Once reached, it is given up sooner: somebody may have ended it.
  for (int i = 0; i < 60; ++i) it.refuses("InvalidInstanceId");
  const Monotonic began = it.clock.monotonic();
  CHECK_THAT(it.refusal(), ContainsSubstring("InvalidInstanceId"));
  CHECK(it.kind == Error::Kind::network);
  CHECK(it.clock.monotonic() - began < 200s);
}

TEST_CASE("a command whose answer got lost is looked for, not sent twice") {
  Instance it;
  it.http.add_drop();
  it.http.add(200, R"({"CommandInvocations": [{"CommandId": "c-0", "Comment": "toehold 77"},
                       {"CommandId": "c-7", "Comment": "toehold 5a"}]})");
  it.answers();
  CHECK(it.ask().kind == "done");
  CHECK(it.calls("SendCommand") == 1);
  CHECK_THAT(it.http.requests()[2].body, ContainsSubstring("c-7"));
  Instance late;
  late.http.add_drop();
  for (int i = 0; i < 2; ++i) late.http.add(200, R"({"CommandInvocations": []})");
  late.http.add(200, R"({"CommandInvocations": [{"CommandId": "c-7", "Comment": "toehold 5a"}]})");
  late.answers();
  CHECK(late.ask().kind == "done");
  CHECK(late.calls("SendCommand") == 1);
  Instance other;
  other.refuses("InternalServerError", 500);
  for (int i = 0; i < 4; ++i) other.http.add(200, R"({"CommandInvocations": []})");
  other.takes();
  other.answers();
  CHECK(other.ask().kind == "done");
  CHECK(other.calls("SendCommand") == 2);
}

TEST_CASE("a command that does not begin, or takes too long for us, is cancelled") {
  Instance it;
  it.takes();
  for (int i = 0; i < 400; ++i) it.is("Pending", "Pending");
  it.http.on_send([&](const HttpRequest&) {
    if (it.clock.sleeps.size() > 3) it.stop.request_stop();
  });
  CHECK(it.refusal() == "interrupted");
  CHECK(it.kind == Error::Kind::cancelled);
  CHECK(it.calls("CancelCommand") == 1);
  Instance late;
  late.takes();
  for (int i = 0; i < 400; ++i) late.is("Pending", "Pending");
  late.limit = Deadline(late.clock.monotonic() + 5s);
  CHECK(late.refusal() == "i-1 has not answered in time");
  CHECK(late.kind == Error::Kind::timeout);
  CHECK(late.calls("CancelCommand") == 1);
}

TEST_CASE("what the script says of itself is the reason") {
  Instance it;
  it.takes();
  it.is("Success", "Success", encode_answer("5a", {"failed", {"there is no base64"}}));
  CHECK(it.refusal() == "i-1: there is no base64");
}

TEST_CASE("a command goes on while nothing is heard of it") {
  Instance it;
  it.takes();
  it.is("InProgress", "InProgress");
  for (int i = 0; i < 12; ++i) it.refuses("ThrottlingException");
  for (int i = 0; i < 12; ++i) it.refuses("ServiceUnavailable", 503);
  it.answers();
  CHECK(it.ask().kind == "done");
  CHECK(it.calls("CancelCommand") == 0);
  // Not for ever, and not when it is no trouble that passes.
  Instance denied;
  denied.takes();
  denied.refuses("AccessDeniedException");
  denied.http.add(200, "{}");
  CHECK_THAT(denied.refusal(), ContainsSubstring("not allowed"));
  CHECK(denied.kind == Error::Kind::aws);
  CHECK(denied.calls("CancelCommand") == 1);
  Instance silent;
  silent.takes();
  for (int i = 0; i < 2000; ++i) silent.refuses("ThrottlingException");
  const Monotonic began = silent.clock.monotonic();
  CHECK_THAT(silent.refusal(), ContainsSubstring("ThrottlingException"));
  CHECK(silent.kind == Error::Kind::network);
  CHECK(silent.clock.monotonic() - began > silent.settings.connect_timeout);
  CHECK(silent.calls("CancelCommand") > 0);
  // Nor longer than it may take; then it is told what was in the way.
  for (const bool taken : {false, true}) {
    Instance late;
    if (taken) late.takes();
    for (int i = 0; i < 200; ++i) late.refuses("ThrottlingException");
    late.limit = Deadline(late.clock.monotonic() + 20s);
    CHECK_THAT(late.refusal(), StartsWith("i-1 has not answered in time: "));
    CHECK(late.kind == Error::Kind::timeout);
    CHECK_THAT(late.channel->silence(), ContainsSubstring("ThrottlingException"));
  }
}

TEST_CASE("a command that is throttled is sent again") {
  Instance it;
  for (int i = 0; i < 5; ++i) it.refuses("ThrottlingException");
  it.takes();
  it.answers();
  CHECK(it.ask().kind == "done");
}
