#include "runner/aws/credentials.hpp"

#include "tests/support/aws_credentials.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

TEST_CASE("keys of the environment go before those of a profile, but not of --profile") {
  CredentialHarness harness;
  harness.config(
      "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = S\n"
      "[profile x]\naws_access_key_id = X\naws_secret_access_key = S\n");
  CHECK(harness.found() == "DEFAULT S  | profile default");
  harness.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  CHECK(harness.found() ==
        "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY | set both or none");
  harness.variables["AWS_SECRET_ACCESS_KEY"] = "S";
  CHECK(harness.found() == "ENV S  | the environment");
  harness.variables["AWS_SESSION_TOKEN"] = "T";
  CHECK(harness.found() == "ENV S T | the environment");
  harness.variables["AWS_PROFILE"] = "x";
  CHECK(harness.found() == "ENV S T | the environment");
  CHECK(harness.found("x") == "X S  | profile x");
  CHECK_FALSE(harness.find().expires);
  harness.variables["AWS_CREDENTIAL_EXPIRATION"] = "2030-01-01T00:00:00Z";
  CHECK(harness.find().expires == 1893456000000);
}

TEST_CASE("when there are none, all places are named, and why the last one has none") {
  CredentialHarness harness;
  CHECK(harness.found() ==
        "no AWS credentials were found; there are none in the environment (AWS_ACCESS_KEY_ID), "
        "profile default (~/.aws/config and ~/.aws/credentials), a container's endpoint "
        "(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI), the instance's role (instance metadata is "
        "disabled) | give the instance a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY");
  CHECK(harness.kind == Error::Kind::aws);
  harness.on_ec2 = true;
  harness.http.add_drop("No route to host");
  CHECK_THAT(harness.found(), ContainsSubstring("does not answer: No route to host)"));
}

TEST_CASE("times of credentials are read in all their forms") {
  CHECK(iso_time("1970-01-01T00:00:01Z") == 1000);
  CHECK(iso_time("2030-01-01T00:00:00.123456Z") == 1893456000000);
  CHECK(iso_time("2030-01-01T01:00:00+01:00") == 1893456000000);
  CHECK(iso_time("2029-12-31T19:00:00-0500") == 1893456000000);
  CHECK(iso_time("2030-01-01T00:00:00UTC") == 1893456000000);
  CHECK_FALSE(iso_time(""));
  CHECK_FALSE(iso_time("2030-01-01"));
  CHECK_FALSE(iso_time("2030-01-01T00:00:00 CET"));
  CHECK_FALSE(iso_time("2030-01-01T00:00:00+1"));
}

TEST_CASE("what is no credentials says which part is missing, never what is there") {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      credentials_in(parse_answer(text, "the source"), {}, "the source");
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  };
  CHECK_THAT(refusal("SECRET"), StartsWith("the source gave no credentials: not valid JSON") &&
                                    !ContainsSubstring("SECRET"));
  CHECK(refusal("{}") == "the source gave no credentials: there is no AccessKeyId");
  CHECK(refusal(R"(["a"])") == "the source gave no credentials: there is no AccessKeyId");
  CHECK(refusal(R"({"AccessKeyId": "A"})") ==
        "the source gave no credentials: there is no SecretAccessKey");
  CHECK_THAT(refusal(R"({"AccessKeyId": "A", "SecretAccessKey": "S", "Expiration": "soon"})"),
             ContainsSubstring("the Expiration 'soon', which is no time"));
}
