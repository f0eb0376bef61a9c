#include "runner/aws/imds.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_http.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

struct Metadata {
  Settings settings;
  ScriptedHttp http;
  VirtualClock clock;
  Imds imds{settings, http, clock};
  std::stop_source stop;

  std::string get(const std::string& path = "meta-data/instance-id", Deadline deadline = {}) {
    return imds.get(path, deadline, stop.get_token()).value_or("(none)");
  }
  std::string failure(Deadline deadline = {}) {
    try {
      return get("meta-data/instance-id", deadline);
    } catch (const Error& error) {
      kind = error.kind();
      return std::string(error.what()) + " | " + error.hint();
    }
  }
  Error::Kind kind{};
};

}  // namespace

TEST_CASE("metadata is asked with a token, past any proxy, and the token is kept") {
  Metadata metadata;
  metadata.http.add(200, "TOKEN");
  metadata.http.add(200, "i-1");
  metadata.http.add(404);
  CHECK(metadata.get() == "i-1");
  CHECK(metadata.get("meta-data/a b") == "(none)");
  CHECK(metadata.http.line(0) == "PUT http://169.254.169.254/latest/api/token");
  CHECK(metadata.http.header(0, "X-aws-ec2-metadata-token-ttl-seconds") == "21600");
  CHECK(metadata.http.line(1) == "GET http://169.254.169.254/latest/meta-data/instance-id");
  CHECK(metadata.http.header(1, "X-aws-ec2-metadata-token") == "TOKEN");
  CHECK(metadata.http.line(2) == "GET http://169.254.169.254/latest/meta-data/a%20b");
  for (const HttpRequest& request : metadata.http.requests()) {
    CHECK_FALSE(request.use_proxy);
    CHECK(request.max_redirects == 0);
    CHECK(request.connect_timeout == std::chrono::seconds(1));
    CHECK(*request.deadline.at() == metadata.clock.monotonic() + std::chrono::seconds(1));
  }
}

TEST_CASE("a token is renewed before it ends, and when it is refused") {
  Metadata metadata;
  metadata.http.add(200, "ONE");
  metadata.http.add(200, "a");
  CHECK(metadata.get() == "a");
  metadata.clock.sleep_for(std::chrono::hours(6), {});
  metadata.http.add(200, "TWO");
  metadata.http.add(200, "b");
  CHECK(metadata.get() == "b");
  CHECK(metadata.http.header(3, "X-aws-ec2-metadata-token") == "TWO");
  metadata.http.add(401);
  metadata.http.add(200, "THREE");
  metadata.http.add(200, "c");
  CHECK(metadata.get() == "c");
  metadata.http.add(401);
  metadata.http.add(200, "FOUR");
  metadata.http.add(401);
  CHECK_THAT(metadata.failure(), ContainsSubstring("answers with status 401"));
}

TEST_CASE("off EC2 it fails after one try and does not try again") {
  Metadata metadata;
  metadata.http.add_drop("Connection timed out");
  const std::string why = metadata.failure();
  CHECK_THAT(why, StartsWith("instance metadata at http://169.254.169.254 does not answer: "
                             "Connection timed out | this needs an EC2 instance"));
  CHECK(metadata.kind == Error::Kind::aws);
  CHECK(metadata.failure() == why);
  CHECK(metadata.http.requests().size() == 1);
  CHECK(metadata.clock.sleeps.empty());
}

TEST_CASE("on EC2 a lost answer is asked for again") {
  Metadata metadata;
  metadata.http.add(200, "TOKEN");
  metadata.http.add_drop();
  metadata.http.add(503);
  metadata.http.add(200, "i-1");
  CHECK(metadata.get() == "i-1");
  for (int i = 0; i < 3; ++i) metadata.http.add_drop();
  CHECK_THAT(metadata.failure(), ContainsSubstring("does not answer"));
  metadata.http.add(200, "i-2");
  CHECK(metadata.get() == "i-2");
}

TEST_CASE("it says why there is no metadata") {
  Metadata metadata;
  SECTION("disabled by us") {
    metadata.settings.imds_disabled = true;
    CHECK(metadata.failure() == "instance metadata is disabled | unset AWS_EC2_METADATA_DISABLED");
  }
  SECTION("disabled on the instance") {
    metadata.http.add(403);
    CHECK_THAT(metadata.failure(), ContainsSubstring("--http-endpoint enabled"));
  }
  SECTION("something else answers") {
    metadata.http.add(200, "");
    CHECK_THAT(metadata.failure(), ContainsSubstring("answers with status 200"));
  }
  SECTION("cancelled") {
    metadata.http.on_send([&](const HttpRequest&) { metadata.stop.request_stop(); });
    metadata.http.add_drop("cancelled", false);
    metadata.failure();
    CHECK(metadata.kind == Error::Kind::cancelled);
  }
  SECTION("out of time, which says nothing of the metadata") {
    const Deadline deadline(metadata.clock.monotonic() + std::chrono::milliseconds(10));
    metadata.http.on_send(
        [&](const HttpRequest&) { metadata.clock.sleep_for(std::chrono::milliseconds(20), {}); });
    metadata.http.add_drop("timed out", false);
    metadata.failure(deadline);
    CHECK(metadata.kind == Error::Kind::timeout);
    metadata.http.add(200, "TOKEN");
    metadata.http.add(200, "i-1");
    CHECK(metadata.get() == "i-1");
  }
}

TEST_CASE("region and account are those of the identity document") {
  Metadata metadata;
  const std::string document = R"({"accountId": "123456789012", "region": "eu-west-1"})";
  metadata.http.add(200, "TOKEN");
  metadata.http.add(200, document);
  CHECK(metadata.imds.region({}, {}) == "eu-west-1");
  metadata.http.add(200, document);
  CHECK(metadata.imds.account_id({}, {}) == "123456789012");
  metadata.http.add(404);
  metadata.http.add(200, "eu-west-2");
  CHECK(metadata.imds.region({}, {}) == "eu-west-2");
  CHECK_THAT(metadata.http.line(4), ContainsSubstring("meta-data/placement/region"));
  metadata.http.add(404);
  CHECK_FALSE(metadata.imds.account_id({}, {}));
  metadata.http.add(200, "<html>");
  CHECK_THROWS_WITH(metadata.imds.account_id({}, {}), ContainsSubstring("cannot be read"));
}
