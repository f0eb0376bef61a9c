#include "runner/aws/ssm.hpp"

#include "runner/aws/ssm_commands.hpp"
#include "tests/support/aws_client.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

struct Store : ClientHarness {
  SsmParameter get(const std::string& name) { return get_parameter(client, name, {}); }
  std::string failure(const std::string& name) {
    return refusal([&] { get(name); });
  }
  void fail(const std::string& code, const std::string& message) {
    http.add(400, "{\"__type\": \"" + code + "\", \"message\": \"" + message + "\"}",
             {{"x-amzn-requestid", "R1"}});
  }
};

}  // namespace

TEST_CASE("an instance that Systems Manager calls invalid has not been heard of yet") {
  Store store;
  store.fail("InvalidInstanceId", "i-1");
  CHECK(describe_instance_information(store.client, "eu-west-1", {"i-1"}, {}).empty());
  store.fail("AccessDeniedException", "no");
  CHECK_THROWS_AS(describe_instance_information(store.client, "eu-west-1", {"i-1"}, {}), Error);
}

TEST_CASE("an instance that is called invalid hides none of those that it was asked about with") {
  Store store;
  store.fail("InvalidInstanceId", "i-1");
  CHECK_THROWS_WITH(describe_instance_information(store.client, "eu-west-1", {"i-1", "i-2"}, {}),
                    ContainsSubstring("InvalidInstanceId"));
}

TEST_CASE("commands in progress are asked for without those of long ago") {
  Store store;
  store.http.add(200, R"({"CommandInvocations": [], "NextToken": "t"})");
  store.http.add(200, R"({"CommandInvocations": [{"CommandId": "c", "InstanceId": "i-1"}]})");
  const auto found = commands_in_progress(store.client, "eu-west-1", 1'790'000'000'000, {});
  REQUIRE(found.size() == 1);
  CHECK(found.front().command_id == "c");
  CHECK(store.http.requests()[0].body ==
        R"({"Filters":[{"key":"InvokedAfter","value":"2026-09-21T14:13:20Z"},)"
        R"({"key":"Status","value":"InProgress"}],"MaxResults":50})");
}

TEST_CASE("a parameter is asked for decrypted") {
  Store store;
  store.http.add(200, R"({"Parameter": {"Name": "/a", "Type": "SecureString", "Value": "v\n"}})");
  const SsmParameter found = store.get("/a");
  CHECK(found.value == "v\n");
  CHECK(found.type == "SecureString");
  CHECK(store.http.line(0) == "POST https://ssm.eu-west-1.amazonaws.com/");
  CHECK(store.http.header(0, "x-amz-target") == "AmazonSSM.GetParameter");
  CHECK(store.http.header(0, "content-type") == "application/x-amz-json-1.1");
  CHECK(store.http.requests()[0].body == R"({"Name":"/a","WithDecryption":true})");
}

TEST_CASE("a parameter that is shared is asked for where it is") {
  Store store;
  store.http.add(200, R"({"Parameter": {"Type": "String", "Value": "v"}})");
  store.get("arn:aws:ssm:us-west-2:123456789012:parameter/shared");
  CHECK(store.http.line(0) == "POST https://ssm.us-west-2.amazonaws.com/");
}

TEST_CASE("a parameter, version or secret that is not there") {
  Store store;
  store.fail("ParameterNotFound", "");
  CHECK(store.failure("/a/b") ==
        "Parameter Store has no parameter /a/b in eu-west-1 | create it: aws ssm put-parameter "
        "--name /a/b --region eu-west-1 --type SecureString --value ...");
  store.fail("com.amazonaws.ssm#ParameterVersionNotFound", "");
  CHECK(store.failure("/a/b:7") ==
        "Parameter Store has no such version of parameter /a/b:7 in eu-west-1 | list them: aws ssm "
        "get-parameter-history --region eu-west-1 --name /a/b");
  store.fail("ParameterNotFound", "Secret db not found.");
  CHECK_THAT(store.failure("/aws/reference/secretsmanager/db"),
             ContainsSubstring("Secrets Manager has no secret db in eu-west-1: Secret db not "
                               "found. | create it: aws secretsmanager create-secret --name db"));
}

TEST_CASE("what is denied is said: the parameter, its key or its secret") {
  Store store;
  store.fail("AccessDeniedException", "User: u is not authorized to perform: ssm:GetParameter");
  CHECK(store.failure("/a") ==
        "ssm:GetParameter on parameter /a is not allowed for the credentials of the test: "
        "AccessDeniedException: User: u is not authorized to perform: ssm:GetParameter (request id "
        "R1) | allow ssm:GetParameter on parameter /a in the policy of that role or user");
  store.fail("AccessDeniedException",
             "The ciphertext refers to a customer master key that does not exist, does not exist "
             "in this region, or you are not allowed to access. (Service: AWSKMS)");
  CHECK_THAT(store.failure("/a"),
             ContainsSubstring("| allow kms:Decrypt on the key of parameter /a in the policy"));
  store.fail("AccessDeniedException",
             "u is not authorized to perform: secretsmanager:GetSecretValue on resource: the-arn");
  CHECK_THAT(store.failure("/aws/reference/secretsmanager/x"),
             ContainsSubstring("| allow secretsmanager:GetSecretValue on the-arn in the policy"));
}

TEST_CASE("a throttled parameter is asked for again") {
  Store store;
  store.fail("ThrottlingException", "Rate exceeded");
  store.http.add(503);
  store.http.add(200, R"({"Parameter": {"Type": "String", "Value": "v"}})");
  CHECK(store.get("/a").value == "v");
  CHECK(store.clock.sleeps.size() == 2);
}

TEST_CASE("an answer without a value is not quoted") {
  Store store;
  for (const char* body :
       {"{\"Parameter\": {\"Val", "{}", R"({"Parameter": {"Value": ["s3cret"]}})"}) {
    store.http.add(200, body);
    CHECK(store.failure("/a") ==
          "Systems Manager GetParameter on parameter /a: the answer has no value | ");
  }
}
