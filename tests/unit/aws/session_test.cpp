#include "runner/aws/session.hpp"

#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;
using std::chrono::minutes;

namespace {

std::string key_of(SessionHarness& harness, const std::string& rejected = {}) {
  return harness.session().credentials({}, {}, rejected).access_key_id;
}

Credentials ending(SessionHarness& harness, const std::string& key, minutes left) {
  return {key, "S", "T", harness.clock.unix_millis() + std::chrono::milliseconds(left).count(),
          "the test"};
}

}  // namespace

TEST_CASE("nothing is read before it is asked for") {
  ScriptedHttp http;
  VirtualClock clock;
  ScriptedProcess processes;
  int reads = 0;
  Session session(
      [&] {
        ++reads;
        Settings settings;
        settings.region = "eu-west-1";
        return settings;
      },
      http.maker(), clock, processes);
  CHECK(reads == 0);
  CHECK(session.region({}, {}) == "eu-west-1");
  CHECK(session.region({}, {}) == "eu-west-1");
  CHECK(reads == 1);
}

TEST_CASE("credentials are renewed five minutes before they end") {
  SessionHarness harness;
  harness.credentials->keys = {ending(harness, "ONE", minutes(60)),
                               ending(harness, "TWO", minutes(120))};
  CHECK(key_of(harness) == "ONE");
  harness.clock.sleep_for(minutes(54), {});
  CHECK(key_of(harness) == "ONE");
  CHECK(harness.credentials->asked == 1);
  harness.clock.sleep_for(minutes(1), {});
  CHECK(key_of(harness) == "TWO");
  CHECK(harness.credentials->asked == 2);
}

TEST_CASE("credentials of short life are not asked for at each call") {
  SessionHarness harness;
  harness.credentials->keys = {ending(harness, "ONE", minutes(4)),
                               ending(harness, "TWO", minutes(8))};
  CHECK(key_of(harness) == "ONE");
  harness.clock.sleep_for(minutes(1), {});
  CHECK(key_of(harness) == "ONE");
  harness.clock.sleep_for(minutes(1), {});
  CHECK(key_of(harness) == "TWO");
}

TEST_CASE("credentials that are still good serve while their source is away") {
  SessionHarness harness;
  harness.credentials->keys = {ending(harness, "ONE", minutes(20))};
  CHECK(key_of(harness) == "ONE");
  harness.credentials->fails = true;
  harness.clock.sleep_for(minutes(16), {});
  CHECK(key_of(harness) == "ONE");
  CHECK(key_of(harness) == "ONE");
  CHECK(harness.credentials->asked == 2);
  harness.clock.sleep_for(minutes(1), {});
  CHECK(key_of(harness) == "ONE");
  CHECK(harness.credentials->asked == 3);
  harness.clock.sleep_for(minutes(4), {});
  CHECK_THROWS_WITH(key_of(harness), "the source is away");
}

TEST_CASE("rejected credentials are renewed once for all who had them") {
  SessionHarness harness;
  harness.credentials->keys = {ending(harness, "ONE", minutes(60)),
                               ending(harness, "TWO", minutes(60))};
  CHECK(key_of(harness) == "ONE");
  CHECK(key_of(harness, "ONE") == "TWO");
  CHECK(key_of(harness, "ONE") == "TWO");
  CHECK(harness.credentials->asked == 2);
  harness.credentials->fails = true;
  CHECK_THROWS_WITH(key_of(harness, "TWO"), "the source is away");
}

TEST_CASE("a region that nobody has said is the instance's, or an error that says how to") {
  SessionHarness harness;
  harness.settings.region.clear();
  SECTION("on EC2") {
    harness.http.add(200, "IMDS");
    harness.http.add(200, R"({"region": "eu-north-1"})");
    CHECK(harness.session().region({}, {}) == "eu-north-1");
    CHECK(harness.session().region({}, {}) == "eu-north-1");
    CHECK(harness.http.requests().size() == 2);
  }
  SECTION("elsewhere") {
    harness.http.add_drop("No route to host");
    CHECK_THROWS_WITH(harness.session().region({}, {}), StartsWith("no AWS region is known") &&
                                                            ContainsSubstring("No route to host"));
  }
}

TEST_CASE("the account is the instance's, else that of the credentials") {
  SessionHarness harness;
  SECTION("on EC2") {
    harness.http.add(200, "IMDS");
    harness.http.add(200, R"({"accountId": "111111111111"})");
    CHECK(harness.session().account_id({}, {}) == "111111111111");
  }
  SECTION("elsewhere") {
    harness.http.add_drop();
    harness.http.add(200,
                     "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>222222222222"
                     "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
    CHECK(harness.session().account_id({}, {}) == "222222222222");
    CHECK(harness.session().account_id({}, {}) == "222222222222");
    CHECK(harness.http.requests().size() == 2);
    CHECK(harness.http.line(1) == "POST https://sts.eu-west-1.amazonaws.com/");
  }
}

TEST_CASE("small differences of clocks are let be") {
  SessionHarness harness;
  const UnixMillis time = harness.clock.unix_millis();
  CHECK(harness.session().correct_clock(time + 59 * 1000) == 0);
  CHECK(harness.session().now() == time);
  CHECK(harness.session().correct_clock(time - 600 * 1000) == -600 * 1000);
  CHECK(harness.session().now() == time - 600 * 1000);
}
