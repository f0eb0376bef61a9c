#include "runner/aws/client.hpp"

#include <algorithm>

#include "runner/base/text.hpp"
#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;
using std::chrono::milliseconds;

namespace {

Call get_object(const std::string& bucket = "bucket", const std::string& path = "/a%20b") {
  Call call;
  call.service = &services::s3;
  call.operation = "GetObject";
  call.method = "GET";
  call.path = path;
  call.bucket = bucket;
  call.resource = "s3://" + bucket + "/a b";
  return call;
}

Call put_logs() {
  Call call = json_call(services::logs, "Logs_20140328.PutLogEvents", "{}");
  call.repeatable = false;
  return call;
}

std::string code(const std::string& name, const std::string& more = {}) {
  return "<Error><Code>" + name + "</Code><Message>words</Message>" + more + "</Error>";
}

std::string date_of(UnixMillis time) {
  return format_utc(time, "%a, %d %b %Y %H:%M:%S GMT");
}

}  // namespace

TEST_CASE("a call is signed and sent to where its service is") {
  SessionHarness harness;
  for (int i = 0; i < 4; ++i) harness.http.add(200, "body");
  Call call = get_object();
  call.query = {{"versionId", "1/2"}};
  const Answer answer = harness.send(call);
  CHECK_FALSE(answer.failure);
  CHECK(answer.body == "body");
  CHECK(harness.http.line(0) ==
        "GET https://bucket.s3.eu-west-1.amazonaws.com/a%20b?versionId=1%2F2");
  CHECK_THAT(harness.http.header(0, "authorization"),
             StartsWith("AWS4-HMAC-SHA256 Credential=KEY/") &&
                 ContainsSubstring("/eu-west-1/s3/aws4_request"));
  CHECK(harness.http.header(0, "x-amz-security-token") == "TOKEN");
  CHECK(harness.http.requests()[0].max_redirects == 0);
  CHECK(harness.http.requests()[0].path_as_is);
  harness.send(get_object("dotted.bucket"));
  CHECK(harness.http.line(1) == "GET https://s3.eu-west-1.amazonaws.com/dotted.bucket/a%20b");
  call.unsigned_payload = true;
  harness.send(call);
  CHECK(harness.http.header(2, "x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
  harness.send(put_logs());
  CHECK(harness.http.line(3) == "POST https://logs.eu-west-1.amazonaws.com/");
  CHECK(harness.http.header(3, "X-Amz-Target") == "Logs_20140328.PutLogEvents");
  CHECK(harness.http.header(3, "x-amz-content-sha256").empty());
}

TEST_CASE("a configured endpoint gets the bucket in the path, and http the payload's hash") {
  SessionHarness harness;
  harness.settings.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "AWS_ENDPOINT_URL_S3") return "http://127.0.0.1:9000/base/";
    return std::nullopt;
  };
  harness.http.add(200);
  Call call = get_object();
  call.unsigned_payload = true;
  harness.send(call);
  CHECK(harness.http.line(0) == "GET http://127.0.0.1:9000/base/bucket/a%20b");
  CHECK(harness.http.header(0, "x-amz-content-sha256").size() == 64);
}

TEST_CASE("throttling, trouble of the service and dropped connections are tried again") {
  SessionHarness harness;
  harness.http.add(503, code("SlowDown"));
  harness.http.add(500);
  harness.http.add_drop();
  harness.http.add(400, R"({"__type": "com.amazonaws#ThrottlingException"})");
  harness.http.add(200, "done");
  CHECK(harness.send(get_object()).body == "done");
  const auto& sleeps = harness.clock.sleeps;
  REQUIRE(sleeps.size() == 4);
  CHECK(sleeps[0] <= milliseconds(500));
  CHECK(sleeps[1] <= milliseconds(1000));
  CHECK(sleeps[2] <= milliseconds(2000));
  CHECK(sleeps[3] <= milliseconds(4000));
  CHECK(harness.notes == std::vector<std::string>{"SlowDown; trying again",
                                                  "status 500; trying again",
                                                  "connection reset; trying again",
                                                  "ThrottlingException; trying again"});
}

TEST_CASE("waits are anything up to their limit, so that many callers do not come back at once") {
  SessionHarness harness;
  harness.settings.max_attempts = 100;
  for (int i = 0; i < 99; ++i) harness.http.add(503);
  harness.http.add(200);
  CHECK_FALSE(harness.send(get_object()).failure);
  const auto& sleeps = harness.clock.sleeps;
  const auto in_half = [&](bool upper) {
    return std::count_if(sleeps.begin() + 10, sleeps.end(),
                         [&](milliseconds wait) { return (wait > milliseconds(10000)) == upper; });
  };
  CHECK(in_half(true) > 10);
  CHECK(in_half(false) > 10);
  CHECK(*std::max_element(sleeps.begin(), sleeps.end()) <= milliseconds(20000));
}

TEST_CASE("the tries are limited, and their number is told") {
  SessionHarness harness;
  harness.settings.max_attempts = 2;
  harness.http.add(503);
  harness.http.add(503, code("ServiceUnavailable", "<RequestId>R1</RequestId>"));
  CHECK(harness.failure(get_object()) ==
        "S3 GetObject on s3://bucket/a b: ServiceUnavailable: words (request id R1), in attempt 2");
  CHECK(harness.http.left() == 0);
}

TEST_CASE("trouble that outlasts the tries is that of the network, as it passes like it") {
  const auto kind_of = [](long status, const char* name) {
    SessionHarness harness;
    harness.settings.max_attempts = 1;
    harness.http.add(status, code(name));
    harness.failure(get_object());
    return harness.kind;
  };
  CHECK(kind_of(400, "ThrottlingException") == Error::Kind::network);
  CHECK(kind_of(503, "RequestLimitExceeded") == Error::Kind::network);
  CHECK(kind_of(503, "ServiceUnavailable") == Error::Kind::network);
  CHECK(kind_of(500, "InsufficientInstanceCapacity") == Error::Kind::aws);
  CHECK(kind_of(400, "InvalidParameterValue") == Error::Kind::aws);
  CHECK(kind_of(403, "AccessDenied") == Error::Kind::aws);
}

TEST_CASE("what would repeat an effect is tried again only when it was throttled") {
  SessionHarness harness;
  harness.http.add(500);
  CHECK(harness.send(put_logs()).failure->status == 500);
  harness.http.add_drop();
  CHECK_THAT(harness.failure(put_logs()), ContainsSubstring("connection reset"));
  CHECK(harness.kind == Error::Kind::network);
  CHECK(harness.clock.sleeps.empty());
  harness.http.add(400, R"({"__type": "ThrottlingException"})");
  harness.http.add(429);
  harness.http.add(200);
  CHECK_FALSE(harness.send(put_logs()).failure);
}

TEST_CASE("what cannot get better is not tried again") {
  SessionHarness harness;
  harness.http.add(404, code("NoSuchKey"));
  CHECK(harness.send(get_object()).failure->code == "NoSuchKey");
  harness.http.add_drop("certificate is not trusted", false);
  CHECK_THAT(harness.failure(get_object()), ContainsSubstring("certificate is not trusted"));
  CHECK(harness.clock.sleeps.empty());
}

TEST_CASE("a service may ask for a longer wait, and a deadline allows none beyond it") {
  SessionHarness harness;
  harness.http.add(503, "", {{"retry-after", "7"}});
  harness.http.add(200);
  harness.send(get_object());
  CHECK(harness.clock.sleeps == std::vector{milliseconds(7000)});
  harness.deadline = Deadline(harness.clock.monotonic() + milliseconds(6000));
  harness.http.add(503, "", {{"retry-after", "7"}});
  CHECK(harness.send(get_object()).failure->status == 503);
  CHECK(harness.clock.sleeps.size() == 1);
}

TEST_CASE("a stop ends the waiting and is told as what it is") {
  SessionHarness harness;
  harness.http.add(503, code("SlowDown"));
  harness.clock.on_sleep = [&] { harness.stop.request_stop(); };
  CHECK_THAT(harness.failure(get_object()), ContainsSubstring("cancelled"));
  CHECK(harness.kind == Error::Kind::cancelled);
  SessionHarness passed;
  passed.deadline = Deadline(passed.clock.monotonic());
  passed.http.add_drop("timed out", false);
  passed.failure(get_object());
  CHECK(passed.kind == Error::Kind::timeout);
}

TEST_CASE("an expired token is renewed once") {
  SessionHarness harness;
  harness.credentials->keys.push_back({"NEW", "SECRET", "TOKEN2", {}, "the test"});
  harness.http.add(400, code("ExpiredToken"));
  harness.http.add(200, "done");
  CHECK(harness.send(get_object()).body == "done");
  CHECK(harness.signer(0) == "KEY");
  CHECK(harness.signer(1) == "NEW");
  CHECK(harness.clock.sleeps.empty());
  // The source has no others: there is no use in asking the service again.
  harness.http.add(400, R"({"__type": "ExpiredTokenException", "message": "over"})");
  CHECK(harness.failure(put_logs()) ==
        "CloudWatch Logs PutLogEvents: ExpiredTokenException: over | the credentials of the test "
        "are over; renew them");
}

TEST_CASE("a service that calls all tokens expired is not asked for ever") {
  SessionHarness harness;
  for (const char* key : {"TWO", "THREE", "FOUR"}) {
    harness.credentials->keys.push_back({key, "SECRET", "TOKEN", {}, "the test"});
  }
  for (int i = 0; i < 2; ++i) harness.http.add(400, code("ExpiredToken"));
  CHECK(harness.send(get_object()).failure->code == "ExpiredToken");
  CHECK(harness.http.left() == 0);
}

TEST_CASE("a clock that is off is put right by the service's") {
  SessionHarness harness;
  const UnixMillis right = harness.clock.unix_millis() + 3600 * 1000;
  const HttpHeaders date{{"date", date_of(right)}};
  SECTION("said by a code") {
    harness.http.add(403, code("RequestTimeTooSkewed"), date);
  }
  SECTION("said by a signature that does not fit") {
    harness.http.add(403, code("SignatureDoesNotMatch"), date);
  }
  SECTION("not said, in an answer to HEAD") {
    harness.http.add(403, "", date);
  }
  harness.http.add(200);
  CHECK_FALSE(harness.send(get_object()).failure);
  CHECK(harness.http.header(1, "x-amz-date") == format_utc(right / 1000 * 1000, "%Y%m%dT%H%M%SZ"));
  CHECK(harness.notes.size() == 1);
  // It stays right.
  harness.http.add(200);
  harness.send(get_object());
  CHECK(harness.http.header(2, "x-amz-date") == harness.http.header(1, "x-amz-date"));
  // And is no explanation any more.
  harness.http.add(403, code("SignatureDoesNotMatch"), date);
  CHECK(harness.send(get_object()).failure->code == "SignatureDoesNotMatch");
}

TEST_CASE("a signature that does not fit although the clock is right is not sent again") {
  SessionHarness harness;
  harness.http.add(403, code("SignatureDoesNotMatch"),
                   {{"date", date_of(harness.clock.unix_millis())}});
  CHECK_THAT(harness.failure(get_object()),
             ContainsSubstring("check the secret key of the test, and this machine's clock"));
}

TEST_CASE("a clock that another caller has put right meanwhile is used, too") {
  SessionHarness harness;
  const UnixMillis right = harness.clock.unix_millis() + 3600 * 1000;
  bool other = true;
  harness.http.on_send([&](const HttpRequest&) {
    if (std::exchange(other, false)) harness.session().correct_clock(right);
  });
  harness.http.add(403, code("RequestTimeTooSkewed"), {{"date", date_of(right)}});
  harness.http.add(200);
  CHECK_FALSE(harness.send(get_object()).failure);
}

TEST_CASE("a bucket in another region is followed and remembered") {
  SessionHarness harness;
  SECTION("of a header") {
    harness.http.add(301, "", {{"x-amz-bucket-region", "us-west-2"}});
  }
  SECTION("of the body") {
    harness.http.add(400, code("AuthorizationHeaderMalformed", "<Region>us-west-2</Region>"));
  }
  harness.http.add(200);
  harness.http.add(200);
  CHECK_FALSE(harness.send(get_object()).failure);
  CHECK_THAT(harness.http.line(1), ContainsSubstring("bucket.s3.us-west-2.amazonaws.com"));
  CHECK_THAT(harness.http.header(1, "authorization"), ContainsSubstring("/us-west-2/s3/"));
  harness.send(get_object());
  CHECK_THAT(harness.http.line(2), ContainsSubstring("bucket.s3.us-west-2.amazonaws.com"));
}

TEST_CASE("a bucket is followed once, and not to where we are") {
  SessionHarness harness;
  harness.http.add(301, "", {{"x-amz-bucket-region", "us-west-2"}});
  harness.http.add(301, "", {{"x-amz-bucket-region", "us-west-1"}});
  CHECK(harness.send(get_object()).failure->status == 301);
  harness.http.add(400, code("InvalidArgument"), {{"x-amz-bucket-region", "us-west-2"}});
  CHECK(harness.send(get_object()).failure->code == "InvalidArgument");
}

TEST_CASE("a denied call says which permission on what") {
  SessionHarness harness;
  harness.http.add(403, code("AccessDenied", "<RequestId>R1</RequestId>"));
  CHECK(harness.failure(get_object()) ==
        "s3:GetObject on s3://bucket/a b is not allowed for the credentials of the test: "
        "AccessDenied: words (request id R1) | allow s3:GetObject on s3://bucket/a b in the policy "
        "of that role or user");
  CHECK(harness.kind == Error::Kind::aws);
  Call head = get_object();
  head.method = "HEAD";
  head.operation = "HeadObject";
  head.iam_action = "s3:GetObject";
  harness.http.add(403, "", {{"x-amz-request-id", "R2"}});
  CHECK_THAT(harness.failure(head), StartsWith("s3:GetObject on s3://bucket/a b is not allowed") &&
                                        ContainsSubstring("status 403 (request id R2)"));
  // The object is ours to read, its key is not.
  harness.http.add(403,
                   "<Error><Code>AccessDenied</Code><Message>User: u is not authorized to perform: "
                   "kms:Decrypt on resource: arn:aws:kms:k because of no policy</Message></Error>");
  CHECK_THAT(harness.failure(get_object()),
             StartsWith("kms:Decrypt on arn:aws:kms:k is not allowed"));
}

TEST_CASE("keys that AWS does not know are told apart from a denial") {
  SessionHarness harness;
  harness.http.add(403, code("InvalidAccessKeyId"));
  CHECK_THAT(harness.failure(get_object()),
             ContainsSubstring("AWS does not know the credentials of the test"));
}

TEST_CASE("a body is streamed on success only, and each try begins anew") {
  SessionHarness harness;
  Call call = get_object();
  std::vector<std::string> seen;
  call.on_head = [&](const HttpResponse& head) {
    seen.push_back("head " + std::to_string(head.status));
    return true;
  };
  call.on_body = [&](std::string_view bytes) {
    seen.emplace_back(bytes);
    return true;
  };
  harness.http.add(503, code("SlowDown"));
  harness.http.add(206, "half");
  harness.http.add(206, "whole");
  CHECK(harness.send(call).body.empty());
  CHECK(seen == std::vector<std::string>{"head 206", "half"});
  seen.clear();
  call.on_head = [&](const HttpResponse&) { return false; };
  CHECK(harness.send(call).status == 206);
  CHECK(seen.empty());
}
