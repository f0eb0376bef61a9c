#include "runner/base/text.hpp"
#include "tests/support/aws_credentials.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {
const char* const base = "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = S\n";
const char* const role = "role_arn = arn:aws:iam::123456789012:role/build\n";
}  // namespace

TEST_CASE("a role is assumed with the keys of its source profile") {
  CredentialHarness harness;
  harness.config(std::string(base) + "[profile x]\n" + role +
                 "source_profile = base\nregion = eu-west-1\nexternal_id = e+1\n"
                 "role_session_name = me\nduration_seconds = 1800\n");
  harness.add_role("ROLE");
  const Credentials keys = harness.find("x");
  CHECK(keys.access_key_id == "ROLE");
  CHECK(keys.session_token == "T");
  CHECK(keys.expires == 1893456000000);
  CHECK(keys.source == "role arn:aws:iam::123456789012:role/build");
  CHECK(harness.http.line(0) == "POST https://sts.eu-west-1.amazonaws.com/");
  CHECK(harness.signer(0) == "BASE");
  CHECK(harness.http.requests()[0].body ==
        "Action=AssumeRole&Version=2011-06-15&ExternalId=e%2B1&RoleArn=arn%3Aaws%3Aiam%3A%3A"
        "123456789012%3Arole%2Fbuild&RoleSessionName=me&DurationSeconds=1800");
}

TEST_CASE("roles are assumed one with the other") {
  CredentialHarness harness;
  harness.config(std::string(base) + "[profile one]\n" + role + "source_profile = base\n" +
                 "[profile two]\nrole_arn = arn:aws-cn:iam::1:role/two\nsource_profile = one\n");
  harness.add_role("ONE");
  harness.add_role("TWO");
  CHECK(harness.find("two").access_key_id == "TWO");
  CHECK(harness.signer(0) == "BASE");
  CHECK(harness.signer(1) == "ONE");
  // Without a region, one that knows the role.
  CHECK(harness.http.line(0) == "POST https://sts.us-east-1.amazonaws.com/");
  CHECK(harness.http.line(1) == "POST https://sts.cn-north-1.amazonaws.com.cn/");
  harness.add_role("ONE");
  harness.add_role("TWO AGAIN");
  CHECK(harness.again().access_key_id == "TWO AGAIN");
}

TEST_CASE("a profile may assume its role with its own keys, as the AWS CLI has it") {
  CredentialHarness harness;
  harness.config(std::string("[profile x]\naws_access_key_id = OWN\naws_secret_access_key = S\n") +
                 role + "source_profile = x\n[profile y]\n" + role + "source_profile = x\n");
  harness.add_role("X");
  CHECK(harness.find("x").access_key_id == "X");
  CHECK(harness.signer(0) == "OWN");
  // From another profile, keys go before the role.
  harness.add_role("Y");
  CHECK(harness.find("y").access_key_id == "Y");
  CHECK(harness.signer(1) == "OWN");
  CHECK(harness.http.left() == 0);
}

TEST_CASE("a role can be assumed with what a place gives") {
  CredentialHarness harness;
  harness.config(std::string("[profile x]\n") + role + "credential_source = Environment\n" +
                 "[profile i]\n" + role + "credential_source = Ec2InstanceMetadata\n");
  CHECK_THAT(harness.found("x"), StartsWith("profile x wants credentials of the environment"));
  harness.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  harness.variables["AWS_SECRET_ACCESS_KEY"] = "S";
  harness.add_role("ROLE");
  CHECK(harness.find("x").access_key_id == "ROLE");
  CHECK(harness.signer(0) == "ENV");
  CHECK_THAT(harness.found("i"), ContainsSubstring("instance metadata is disabled"));
}

TEST_CASE("profiles that cannot be followed say why") {
  CredentialHarness harness;
  harness.config(std::string(base) + "[profile a]\n" + role + "source_profile = b\n[profile b]\n" +
                 role + "source_profile = c\n[profile c]\n" + role + "source_profile = a\n" +
                 "[profile lost]\n" + role + "source_profile = bas\n[profile none]\n" + role +
                 "[profile both]\n" + role +
                 "source_profile = base\ncredential_source = Environment\n[profile odd]\n" + role +
                 "credential_source = Moon\n[profile mfa]\n" + role +
                 "source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n[profile half]\n"
                 "aws_access_key_id = A\n[profile empty]\nregion = x\n[profile of-empty]\n" +
                 role + "source_profile = empty\n[profile long]\n" + role +
                 "source_profile = base\nduration_seconds = 5\n[profile login]\n"
                 "login_session = arn:aws:iam::1:user/me\n");
  CHECK(harness.found("a") ==
        "profile c assumes its role with itself: a -> b -> c -> a | give one of these profiles "
        "keys, or another source_profile");
  CHECK(harness.found("lost") ==
        "profile lost says source_profile = bas, which is not there | did you mean 'base'?");
  CHECK_THAT(harness.found("none"), ContainsSubstring("nothing to assume it with"));
  CHECK_THAT(harness.found("both"),
             StartsWith("profile both has both source_profile and credential_source"));
  CHECK_THAT(harness.found("odd"), ContainsSubstring("credential_source = Moon"));
  CHECK(harness.found("mfa") ==
        "profile mfa wants a code of the device arn:aws:iam::1:mfa/me, which cannot be asked for "
        "here | give its keys by: eval \"$(aws configure export-credentials --profile mfa "
        "--format env)\"");
  CHECK_THAT(harness.found("half"), StartsWith("profile half has only one of"));
  CHECK_THAT(harness.found("of-empty"), ContainsSubstring("empty, which has no credentials"));
  CHECK_THAT(harness.found("long"), StartsWith("profile long says duration_seconds = 5 | "));
  CHECK_THAT(harness.found("login"), StartsWith("profile login has a session of `aws login`"));
  CHECK_THAT(harness.found("empty"), StartsWith("no AWS credentials were found"));
  CHECK(harness.http.requests().empty());
}

TEST_CASE("a role that cannot be assumed says which permission is missing") {
  CredentialHarness harness;
  harness.config(std::string(base) + "[profile x]\n" + role + "source_profile = base\n");
  harness.http.add(403,
                   "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:"
                   "user/u is not authorized to perform: sts:AssumeRole on resource: "
                   "arn:aws:iam::123456789012:role/build</Message></Error></ErrorResponse>");
  CHECK_THAT(harness.found("x"),
             StartsWith("sts:AssumeRole on role arn:aws:iam::123456789012:role/build is not "
                        "allowed for the credentials of profile base: AccessDenied: User"));
  CHECK(harness.kind == Error::Kind::aws);
}

TEST_CASE("a web identity is exchanged without a signature, and its file read anew") {
  CredentialHarness harness;
  harness.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = harness.write("token", "JWT1\n");
  CHECK_THAT(harness.found(), ContainsSubstring("no role to assume with it"));
  harness.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/pod";
  harness.variables["AWS_ROLE_SESSION_NAME"] = "pod";
  harness.add_role("POD", "AssumeRoleWithWebIdentity");
  CHECK(harness.find().access_key_id == "POD");
  CHECK(harness.http.header(0, "authorization").empty());
  CHECK(harness.http.requests()[0].body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken=JWT1&RoleArn="
        "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fpod&RoleSessionName=pod");
  harness.write("token", "JWT2");
  harness.add_role("POD2", "AssumeRoleWithWebIdentity");
  CHECK(harness.again().access_key_id == "POD2");
  CHECK_THAT(harness.http.requests()[1].body, ContainsSubstring("JWT2"));
  harness.http.add(400,
                   "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>over"
                   "</Message></Error></ErrorResponse>");
  CHECK_THAT(harness.found(), ContainsSubstring("the web identity in " + harness.path("token")));
}

TEST_CASE("a profile's web identity is its own, also as a source") {
  CredentialHarness harness;
  const std::string file = harness.write("token", "JWT");
  harness.config("[profile pod]\nrole_arn = arn:aws:iam::1:role/pod\nweb_identity_token_file = " +
                 file + "\n[profile x]\n" + role + "source_profile = pod\n");
  harness.add_role("POD", "AssumeRoleWithWebIdentity");
  harness.add_role("ROLE");
  CHECK(harness.find("x").access_key_id == "ROLE");
  CHECK(harness.signer(1) == "POD");
  harness.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = harness.path("none");
  CHECK_THAT(harness.found("pod"), ContainsSubstring(harness.path("none")));
}
