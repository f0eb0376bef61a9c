#include "runner/aws/s3_presign.hpp"

#include "runner/aws/s3_remove.hpp"
#include "tests/support/aws_client.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

PresignScope scope(const std::string& token) {
  Settings settings;
  settings.environment = [](const std::string&) { return std::nullopt; };
  PresignScope made;
  made.endpoint = bucket_endpoint("staging-bucket", "eu-west-1", settings);
  made.credentials = {
      "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE", token, {}, "the test"};
  made.now = 1795669200000;  // 2026-11-26T05:00:00Z
  made.valid_for = std::chrono::seconds(3600);
  return made;
}

std::string field(const PostPolicy& post, const std::string& name) {
  for (const auto& [key, value] : post.fields) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

// The answers are those of botocore 1.43.11 at that time, its JSON without blanks.
TEST_CASE("a POST policy is signed as botocore signs it") {
  const ObjectAddress prefix{"staging-bucket", "builds/web-1/build/7f/", {}};
  const PostPolicy post = presigned_post(scope(""), prefix, 4194304);
  CHECK(post.url == "https://staging-bucket.s3.eu-west-1.amazonaws.com/");
  CHECK(field(post, "x-amz-credential") == "AKIDEXAMPLE/20261126/eu-west-1/s3/aws4_request");
  CHECK(field(post, "x-amz-signature") ==
        "3180d36b9e7cb0dff9e44880959c0e42386395d08d1ad28763c0dba774ad95a4");
  const PostPolicy with_token = presigned_post(scope("IQoJ+/=="), prefix, 4194304);
  CHECK(field(with_token, "x-amz-security-token") == "IQoJ+/==");
  CHECK(field(with_token, "x-amz-signature") ==
        "34c089baa602d3158c3af445109b77bdaa34f69ddfd0489b7190db2c3e52618d");
}

TEST_CASE("a presigned URL is for one object") {
  PresignScope made = scope("");
  made.endpoint.host = "staging-bucket.s3.amazonaws.com";  // as botocore has it by default
  made.valid_for = std::chrono::seconds(900);
  CHECK(presigned_url(made, "GET", {"staging-bucket", "builds/a b/k+1", {}}) ==
        "https://staging-bucket.s3.amazonaws.com/builds/a%20b/k%2B1?X-Amz-Algorithm=AWS4-HMAC-"
        "SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261126%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date="
        "20261126T050000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "c59423aa1dc6e1aad5ccf0d8a406ab61339b2ebb346d8e06616ec400d3d18079");
}

TEST_CASE("what is presigned ends with the credentials") {
  ClientHarness harness;
  const PresignScope made = presign_scope(harness.session, "dotted.bucket", "eu-west-2",
                                          std::chrono::seconds(3600), {}, {});
  CHECK(made.valid_for == std::chrono::seconds(3600));
  CHECK(made.endpoint.url() == "https://s3.eu-west-2.amazonaws.com/dotted.bucket");
}

TEST_CASE("objects are removed many at a time") {
  ClientHarness harness;
  harness.http.add(200, "<DeleteResult/>");
  remove_objects(harness.client, "eu-west-1", "b-1", {"a&b/1", "a&b/2"}, {});
  CHECK(harness.http.line(0) == "POST https://b-1.s3.eu-west-1.amazonaws.com/?delete=");
  CHECK(harness.http.requests()[0].body ==
        "<Delete><Quiet>true</Quiet><Object><Key>a&amp;b/1</Key></Object><Object><Key>a&amp;b/2"
        "</Key></Object></Delete>");
  CHECK(harness.http.header(0, "content-md5").size() == 24);
  harness.http.add(200,
                   "<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>no"
                   "</Message></Error></DeleteResult>");
  CHECK(ClientHarness::refusal([&] {
          remove_objects(harness.client, "eu-west-1", "b-1", {"k"}, {});
        }) == "S3 DeleteObjects on s3://b-1/k: AccessDenied: no | ");
  CHECK_THAT(ClientHarness::refusal([&] {
               remove_objects_below(harness.client, "eu-west-1", {"b-1", "builds", {}}, {});
             }),
             ContainsSubstring("'builds' is no folder of objects"));
}
