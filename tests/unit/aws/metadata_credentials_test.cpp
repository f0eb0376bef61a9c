#include "tests/support/aws_credentials.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {
const char* const keys =
    R"({"Code": "Success", "AccessKeyId": "K", "SecretAccessKey": "S", "Token": "T",
        "Expiration": "2030-01-01T00:00:00Z"})";
}

TEST_CASE("the instance's role gives credentials") {
  CredentialHarness harness;
  harness.on_ec2 = true;
  harness.http.add(200, "IMDS");
  harness.http.add(200, "my-role\n");
  harness.http.add(200, keys);
  CHECK(harness.found() == "K S T | the instance's role my-role");
  CHECK_THAT(harness.http.line(2), ContainsSubstring("/iam/security-credentials/my-role"));
  harness.http.add(200, "IMDS");
  harness.http.add(200, "my-role");
  harness.http.add(200, R"({"Code": "AssumeRoleUnauthorizedAccess", "Message": "no trust"})");
  CHECK_THAT(harness.found(), StartsWith("the instance's role my-role has no credentials: "
                                         "AssumeRoleUnauthorizedAccess: no trust | see whether"));
}

TEST_CASE("an instance without a role says so") {
  CredentialHarness harness;
  harness.on_ec2 = true;
  harness.http.add(200, "IMDS");
  harness.http.add(404);
  CHECK_THAT(harness.found(), ContainsSubstring("the instance's role (it has none)"));
}

TEST_CASE("a container's endpoint is asked with its token, which is read anew") {
  CredentialHarness harness;
  harness.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  harness.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "OLD";
  harness.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = harness.write("token", "ONE\n");
  harness.http.add(200, keys);
  CHECK(harness.found() == "K S T | the container's endpoint http://169.254.170.23/v1/credentials");
  CHECK(harness.http.header(0, "Authorization") == "ONE");
  CHECK_FALSE(harness.http.requests()[0].use_proxy);
  CHECK(harness.http.requests()[0].max_redirects == 0);
  harness.write("token", "TWO");
  harness.http.add(200, keys);
  harness.again();
  CHECK(harness.http.header(1, "Authorization") == "TWO");
  harness.write("token", "ONE\r\nX-Other: TWO");
  CHECK_THAT(harness.found(), ContainsSubstring("more than one line"));
  harness.variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  harness.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/id";
  harness.http.add(200, keys);
  harness.found();
  CHECK(harness.http.line(2) == "GET http://169.254.170.2/v2/credentials/id");
  CHECK(harness.http.header(2, "Authorization") == "OLD");
}

TEST_CASE("a container's endpoint that fails is asked three times at most") {
  CredentialHarness harness;
  harness.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/id";
  harness.http.add(500);
  harness.http.add_drop();
  harness.http.add(503);
  CHECK_THAT(harness.found(), ContainsSubstring("answers with status 503"));
  CHECK(harness.clock.sleeps.size() == 2);
  harness.http.add(403, R"({"message": "SECRET"})");
  CHECK_THAT(harness.found(),
             ContainsSubstring("answers with status 403") && !ContainsSubstring("SECRET"));
  harness.http.on_send([&](const HttpRequest&) { harness.stop.request_stop(); });
  harness.http.add_drop();
  harness.found();
  CHECK(harness.kind == Error::Kind::cancelled);
}

TEST_CASE("a container's token goes to this machine or over https, nowhere else") {
  CredentialHarness harness;
  for (const char* url :
       {"http://169.254.170.2/a", "http://169.254.170.23", "http://[fd00:ec2::23]/a",
        "http://localhost:80/", "http://127.0.0.1:8080/a?b=c", "http://127.9.9.9", "http://[::1]:1",
        "https://example.org/a"}) {
    INFO(url);
    harness.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    harness.http.add(200, keys);
    CHECK_THAT(harness.found(), StartsWith("K S T"));
  }
  for (const char* url :
       {"http://example.org/a", "http://169.254.169.254/", "http://127.0.0.1@example.org/",
        "http://127.0.0.1.example.org", "http://localhost.example.org", "http://127.0.0.1\\@x.org",
        "http://[::2]/", "ftp://127.0.0.1/", "127.0.0.1/a", "http://127.1.1", "http://127.0.0.256",
        "https://user@example.org/"}) {
    INFO(url);
    harness.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    CHECK_THAT(harness.found(), ContainsSubstring("neither https nor on this machine"));
  }
  harness.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "@example.org/";
  CHECK_THAT(harness.found(), ContainsSubstring("does not begin with a slash"));
}
