#include "runner/aws/s3_object.hpp"

#include "tests/support/aws_client.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using toehold::test::ClientHarness;

namespace {

const ObjectAddress address{"bucket", "a/state.json", {}};
constexpr const char* precondition =
    "<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>";

}  // namespace

TEST_CASE("a small object is read with its ETag and its age by the service's clock") {
  ClientHarness aws;
  aws.http.add(200, "text",
               {{"etag", "\"e1\""},
                {"last-modified", "Wed, 25 Nov 2026 12:00:00 GMT"},
                {"date", "Wed, 25 Nov 2026 12:00:40 GMT"}});
  const auto there = read_object(aws.client, address, {});
  REQUIRE(there);
  CHECK(there->text == "text");
  CHECK(there->etag == "\"e1\"");
  CHECK(there->now - there->modified == 40000);
  aws.http.add(404, "<Error><Code>NoSuchKey</Code></Error>");
  CHECK_FALSE(read_object(aws.client, address, {}));
  aws.http.add(404, "<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>");
  CHECK_THROWS_AS(read_object(aws.client, address, {}), Error);
}

TEST_CASE("an object is replaced only where what its writer knows is still there") {
  ClientHarness aws;
  aws.http.add(200, "", {{"etag", "\"e2\""}});
  CHECK(replace_object(aws.client, address, "new", "\"e1\"", {}) == "\"e2\"");
  CHECK(aws.http.header(0, "If-Match") == "\"e1\"");
  CHECK(aws.http.header(0, "If-None-Match").empty());
  aws.http.add(200, "", {{"etag", "\"e3\""}});
  CHECK(replace_object(aws.client, address, "new", "", {}) == "\"e3\"");
  CHECK(aws.http.header(1, "If-None-Match") == "*");

  aws.http.add(412, precondition);
  aws.http.add(200, "another's", {{"etag", "\"e4\""}});
  CHECK_FALSE(replace_object(aws.client, address, "new", "\"e1\"", {}));
  aws.http.add(404, "<Error><Code>NoSuchKey</Code></Error>");
  aws.http.add(404, "<Error><Code>NoSuchKey</Code></Error>");
  CHECK_FALSE(replace_object(aws.client, address, "new", "\"e1\"", {}));
}

TEST_CASE("a write whose answer was lost is found out about, and a conflict is tried again") {
  ClientHarness aws;
  aws.http.add_drop();
  aws.http.add(412, precondition);
  aws.http.add(200, "new", {{"etag", "\"e2\""}});
  CHECK(replace_object(aws.client, address, "new", "\"e1\"", {}) == "\"e2\"");
  aws.http.add(409, "<Error><Code>ConditionalRequestConflict</Code></Error>");
  aws.http.add(200, "", {{"etag", "\"e3\""}});
  CHECK(replace_object(aws.client, address, "new", "\"e2\"", {}) == "\"e3\"");
  aws.http.add(200, "what S3 would not answer");
  aws.http.add(200, "newer", {{"etag", "\"e4\""}});
  CHECK(replace_object(aws.client, address, "newer", "\"e3\"", {}) == "\"e4\"");
}
