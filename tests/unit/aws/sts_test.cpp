#include "runner/aws/sts.hpp"

#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

const char* const assumed = R"(<AssumeRoleResponse><AssumeRoleResult><Credentials>
    <AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>S</SecretAccessKey>
    <SessionToken>TOKEN</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>)";
const char* const identity = R"(<GetCallerIdentityResponse><GetCallerIdentityResult>
    <Arn>arn:aws:iam::210987654321:user/u</Arn><UserId>U</UserId><Account>210987654321</Account>
    </GetCallerIdentityResult></GetCallerIdentityResponse>)";

}  // namespace

TEST_CASE("who we are is asked of STS") {
  Ec2Harness sts;
  sts.http.add(200, identity);
  const CallerIdentity found = get_caller_identity(sts.client, {}).require();
  CHECK(found.account == "210987654321");
  CHECK(found.arn == "arn:aws:iam::210987654321:user/u");
  CHECK(sts.http.line(0) == "POST https://sts.eu-west-1.amazonaws.com/");
  CHECK(sts.http.requests()[0].body == "Action=GetCallerIdentity&Version=2011-06-15");
}

TEST_CASE("a session of a role signs with its credentials, and takes no instance for its account") {
  SessionHarness base;
  Role role;
  role.arn = "arn:aws:iam::210987654321:role/R";
  role.external_id = "x";
  const auto session = session_for_role(base.session(), role);
  CHECK(base.http.requests().empty());
  base.http.add(200, assumed);
  base.http.add(200, identity);
  CHECK(session->account_id({}, {}) == "210987654321");
  CHECK(base.http.line(0) == "POST https://sts.eu-west-1.amazonaws.com/");
  const std::string& form = base.http.requests().at(0).body;
  CHECK_THAT(form, ContainsSubstring("Action=AssumeRole&") && ContainsSubstring("&ExternalId=x") &&
                       ContainsSubstring("&RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2FR"));
  CHECK(base.signer(0) == "KEY");
  CHECK(base.signer(1) == "ROLE");
  CHECK(base.http.header(1, "x-amz-security-token") == "TOKEN");
  CHECK(session->region({}, {}) == "eu-west-1");
}

TEST_CASE("a role that cannot be assumed is named") {
  Ec2Harness sts;
  Role role;
  role.arn = "arn:aws:iam::210987654321:role/R";
  const auto session = session_for_role(sts.session, role);
  sts.http.add(403,
               "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
               "</ErrorResponse>");
  CHECK(
      ClientHarness::refusal([&] { session->credentials({}, {}); }) ==
      "sts:AssumeRole on role arn:aws:iam::210987654321:role/R is not allowed for the credentials "
      "of the test: AccessDenied: no | allow sts:AssumeRole on role "
      "arn:aws:iam::210987654321:role/R in the policy of that role or user");
}

TEST_CASE("what a denial hides is read") {
  Ec2Harness sts;
  sts.http.add(
      200,
      "<DecodeAuthorizationMessageResponse><DecodeAuthorizationMessageResult>"
      "<DecodedMessage>{\"allowed\":false,\"explicitDeny\":true,\"context\":{\"principal\":"
      "{\"id\":\"A\",\"arn\":\"arn:u\"},\"action\":\"ec2:RunInstances\",\"resource\":"
      "\"arn:aws:ec2:eu-west-1:1:instance/*\"}}</DecodedMessage>"
      "</DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>");
  const Denial denial = decode_authorization_message(sts.client, "", "AbC", {}).require();
  CHECK(denial.is_explicit);
  CHECK(denial.action == "ec2:RunInstances");
  CHECK(denial.resource == "arn:aws:ec2:eu-west-1:1:instance/*");
  CHECK(denial.principal == "arn:u");
  const Error told = error_for(Denial{false, "ec2:CreateTags", "arn:i", "arn:u", ""},
                               Error(Error::Kind::aws, "EC2 RunInstances"));
  CHECK(told.full_message() ==
        "EC2 RunInstances; STS says: no policy allows ec2:CreateTags on arn:i");
  CHECK(told.hint() == "allow ec2:CreateTags on arn:i in the policy of arn:u");
  CHECK(sts.form(0) == "Action=DecodeAuthorizationMessage\nEncodedMessage=AbC\n");
}
