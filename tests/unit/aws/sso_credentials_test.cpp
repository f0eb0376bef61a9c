#include "runner/base/digest.hpp"
#include "tests/support/aws_credentials.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

struct SsoHarness : CredentialHarness {
  SsoHarness() {
    config(
        "[profile x]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n"
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp/start\n"
        "[profile old]\nsso_start_url = https://old/start\nsso_region = us-east-1\n"
        "sso_account_id = 1\nsso_role_name = R\n"
        "[profile lost]\nsso_session = nowhere\nsso_account_id = 1\nsso_role_name = R\n"
        "[profile half]\nsso_account_id = 1\nsso_start_url = u\n");
  }
  void cache(const std::string& key, const std::string& text) {
    write(".aws/sso/cache/" + digest_of(DigestAlgorithm::sha1, key) + ".json", text);
  }
  void add_keys() {
    http.add(200, R"({"roleCredentials": {"accessKeyId": "K", "secretAccessKey": "S",
        "sessionToken": "T", "expiration": 1893456000000}})");
  }
};

const char* const good = R"({"accessToken": "TOKEN", "expiresAt": "2099-01-01T00:00:00Z"})";

}  // namespace

TEST_CASE("a stored SSO login gives the credentials of the profile's role") {
  SsoHarness harness;
  harness.cache("corp", good);
  harness.add_keys();
  CHECK(harness.found("x") == "K S T | profile x (SSO)");
  CHECK(harness.http.line(0) ==
        "GET https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?role_name=Admin&"
        "account_id=123456789012");
  CHECK(harness.http.header(0, "x-amz-sso_bearer_token") == "TOKEN");
  CHECK(harness.http.header(0, "authorization").empty());
  harness.add_keys();
  CHECK(harness.find("x").expires == 1893456000000);
  harness.cache("https://old/start", good);
  harness.add_keys();
  CHECK(harness.found("old") == "K S T | profile old (SSO)");
}

TEST_CASE("an SSO login that is over says what to type") {
  SsoHarness harness;
  CHECK(harness.found("x") ==
        "the SSO login of profile x is not there | log in: aws sso login --profile x");
  harness.cache("corp", R"({"accessToken": "TOKEN", "expiresAt": "2020-01-01T00:00:00UTC"})");
  CHECK_THAT(harness.found("x"), StartsWith("the SSO login of profile x has ended at 2020-01-01"));
  harness.cache("corp", R"({"accessToken": "", "expiresAt": "2020-01-01T00:00:00UTC"})");
  CHECK_THAT(harness.found("x"), StartsWith("the SSO login of profile x cannot be read"));
  harness.cache("corp", good);
  harness.http.add(401, R"({"message": "Session token not found or invalid"})");
  CHECK_THAT(harness.found("x"), StartsWith("the SSO login of profile x is not accepted"));
  harness.http.add(403, R"({"message": "No access"})",
                   {{"x-amzn-errortype", "ForbiddenException"}});
  CHECK_THAT(harness.found("x"),
             StartsWith("sso:GetRoleCredentials on role Admin of account 123456789012 is not "
                        "allowed for the credentials of the SSO login of profile x"));
}

TEST_CASE("an SSO profile that is not whole says what is missing") {
  SsoHarness harness;
  CHECK_THAT(harness.found("lost"), ContainsSubstring("there is no [sso-session nowhere]"));
  harness.cache("u", good);
  CHECK_THAT(harness.found("half"), StartsWith("profile half has no sso_role_name"));
}
