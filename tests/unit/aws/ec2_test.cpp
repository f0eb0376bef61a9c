#include "runner/aws/ec2.hpp"

#include "runner/aws/ec2_network.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::aws::ec2;
using namespace toehold::test;

namespace {
Failure failure(const std::string& code, const std::string& message = {}) {
  Failure made;
  made.status = 400;
  made.code = code;
  made.message = message;
  return made;
}
}  // namespace

TEST_CASE("failures of EC2 are known by their codes") {
  CHECK(is_not_found(failure("InvalidInstanceID.NotFound")));
  CHECK(is_not_found(failure("InvalidAMIID.Unavailable")));
  CHECK(is_not_found(failure("InvalidLaunchTemplateId.VersionNotFound")));
  CHECK_FALSE(is_not_found(failure("InvalidAMIID.Malformed")));
  for (const char* code : {"InsufficientInstanceCapacity", "InsufficientHostCapacity",
                           "Unsupported", "SpotMaxPriceTooLow", "MaxSpotInstanceCountExceeded",
                           "VcpuLimitExceeded", "InstanceLimitExceeded"}) {
    CHECK(is_capacity(failure(code)));
  }
  CHECK(is_capacity_code("Server.InsufficientInstanceCapacity"));
  CHECK_FALSE(is_capacity(failure("UnsupportedOperation")));
  CHECK_FALSE(is_capacity(failure("RequestLimitExceeded")));
  CHECK(is_duplicate(failure("InvalidAMIName.Duplicate")));
  CHECK(is_duplicate(failure("InvalidLaunchTemplateName.AlreadyExistsException")));
  CHECK(is_profile_lag(failure("InvalidParameterValue",
                               "Value (p) for parameter iamInstanceProfile.name is invalid. "
                               "Invalid IAM Instance Profile name")));
  CHECK_FALSE(is_profile_lag(failure("InvalidParameterValue", "Value (x) for instanceType")));
  CHECK(is_dependency_violation(failure("DependencyViolation")));
  CHECK(is_dependency_violation(failure("InvalidSnapshot.InUse")));
  CHECK(is_dry_run_ok(failure("DryRunOperation")));
  CHECK(is_unauthorized(failure("UnauthorizedOperation")));
  CHECK(is_unauthorized(failure("Client.UnauthorizedOperation")));
  CHECK(is_wrong_state(failure("IncorrectInstanceState")));
  CHECK(is_token_mismatch(failure("IdempotentParameterMismatch")));
  CHECK(is_resource_limit(failure("ResourceLimitExceeded")));
}

TEST_CASE("what had no answer is none of the kinds") {
  const Failure network;
  CHECK_FALSE(is_not_found(network));
  CHECK_FALSE(is_capacity(network));
  CHECK_FALSE(is_duplicate(network));
  CHECK_FALSE(is_unauthorized(network));
}

TEST_CASE("tags are put on many things at once, and none on none") {
  Ec2Harness ec2;
  (void)create_tags(ec2.region, {}, {{"a", "1"}}, {}).require();
  (void)create_tags(ec2.region, {"ami-1"}, {}, {}).require();
  CHECK(ec2.http.requests().empty());
  ec2.done("CreateTags");
  (void)create_tags(ec2.region, {"ami-1", "snap-1"}, {{"a", "1"}, {"b", ""}}, {}).require();
  CHECK(ec2.form(0) ==
        "Action=CreateTags\nResourceId.1=ami-1\nResourceId.2=snap-1\nTag.1.Key=a\nTag.1.Value=1\n"
        "Tag.2.Key=b\nTag.2.Value=\n");
  const Filters filters = tag_filters({{"a", "1"}});
  CHECK(filters.at(0).name == "tag:a");
  CHECK(filters.at(0).values == std::vector<std::string>{"1"});
}

TEST_CASE("all pages are read, empty ones as well") {
  Ec2Harness ec2;
  ec2.answer("DescribeVpcs",
             "<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet><nextToken>n=1</nextToken>");
  ec2.answer("DescribeVpcs", "<vpcSet/><nextToken>n2</nextToken>");
  ec2.answer("DescribeVpcs", "<vpcSet><item><vpcId>vpc-2</vpcId></item></vpcSet>");
  const auto found = find_vpcs(ec2.region, {}, {}).require();
  REQUIRE(found.size() == 2);
  CHECK(found[1].id == "vpc-2");
  CHECK(ec2.form(0) == "Action=DescribeVpcs\nMaxResults=500\n");
  CHECK(ec2.form(1) == "Action=DescribeVpcs\nMaxResults=500\nNextToken=n=1\n");
  CHECK(ec2.form(2) == "Action=DescribeVpcs\nMaxResults=500\nNextToken=n2\n");
}

TEST_CASE("pages that never end, or fail half-way, are told") {
  Ec2Harness ec2;
  const std::string page = "<vpcSet/><nextToken>n</nextToken>";
  ec2.answer("DescribeVpcs", page);
  ec2.answer("DescribeVpcs", page);
  CHECK(ClientHarness::refusal([&] { (void)find_vpcs(ec2.region, {}, {}); }) ==
        "EC2 DescribeVpcs: the same page is said to come next | ");
  ec2.answer("DescribeVpcs", page);
  ec2.fail("InvalidPaginationToken");
  const auto found = find_vpcs(ec2.region, {}, {});
  REQUIRE(found.failure);
  CHECK(found.failure->code == "InvalidPaginationToken");
}

TEST_CASE("a region of its own is called and signed for") {
  Ec2Harness ec2;
  ec2.answer("DescribeVpcs", "<vpcSet/>");
  (void)find_vpcs({ec2.client, "us-west-2"}, {}, {});
  CHECK(ec2.http.line(0) == "POST https://ec2.us-west-2.amazonaws.com/");
  CHECK_THAT(ec2.http.header(0, "authorization"), ContainsSubstring("/us-west-2/ec2/"));
}

TEST_CASE("a denial is told with what STS says of its encoded part") {
  Ec2Harness ec2;
  ec2.fail("UnauthorizedOperation", "No. Encoded authorization failure message: AbC_-9", 403);
  ec2.http.add(200,
               "<DecodeAuthorizationMessageResponse><DecodeAuthorizationMessageResult>"
               "<DecodedMessage>{\"explicitDeny\":true,\"matchedStatements\":{\"items\":["
               "{\"statementId\":\"OnlySmall\"}]},\"context\":{\"action\":\"ec2:RunInstances\","
               "\"resource\":\"arn:aws:ec2:eu-west-1:1:instance/*\"}}</DecodedMessage>"
               "</DecodeAuthorizationMessageResult></DecodeAuthorizationMessageResponse>");
  const std::string words =
      ClientHarness::refusal([&] { (void)find_vpcs(ec2.region, {}, {}).require(); });
  CHECK_THAT(words,
             ContainsSubstring("UnauthorizedOperation: No.") &&
                 ContainsSubstring("ec2:RunInstances on arn:aws:ec2:eu-west-1:1:instance/* is "
                                   "denied by a policy (statement OnlySmall)"));
}

TEST_CASE("a denial that we may not ask STS about is told with how to") {
  Ec2Harness ec2;
  ec2.fail("UnauthorizedOperation",
           "You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not "
           "authorized to perform: ec2:DescribeVpcs because no identity-based policy allows it. "
           "Encoded authorization failure message: AbC_-9",
           403);
  ec2.fail("AccessDenied", "nor this", 403);
  auto denied = find_vpcs(ec2.region, {}, {});
  REQUIRE(denied.failure);
  CHECK(is_unauthorized(*denied.failure));
  CHECK(encoded_authorization_message(*denied.failure) == "AbC_-9");
  const std::string words = ClientHarness::refusal([&] { (void)denied.require(); });
  CHECK_THAT(
      words,
      ContainsSubstring("no identity-based policy allows it. (request id R1) | allow "
                        "ec2:DescribeVpcs in the policy of that role or user; which") &&
          ContainsSubstring("aws sts decode-authorization-message --encoded-message AbC_-9"));
  CHECK(encoded_authorization_message(failure("A", "none")).empty());
}
