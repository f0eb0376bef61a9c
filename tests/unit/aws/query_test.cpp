#include "runner/aws/query.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

Call call_with(const Value& parameters) {
  return query_call(services::ec2, "2016-11-15", "DescribeThings", parameters);
}

std::string body_of(const Value& parameters) {
  const std::string start = "Action=DescribeThings&Version=2016-11-15";
  const std::string body = call_with(parameters).body;
  REQUIRE(body.starts_with(start));
  return body.substr(start.size());
}

}  // namespace

TEST_CASE("parameters become a form as EC2 names lists and maps") {
  CHECK(body_of({}).empty());
  CHECK(body_of(Value::object({{"A", "x y&=+/~"}, {"B", 7}})) == "&A=x%20y%26%3D%2B%2F~&B=7");
  CHECK(body_of(Value::object({{"A", true}, {"B", false}})) == "&A=true&B=false");
  CHECK(body_of(Value::object({{"Id", Value(Value::List{"i-1", "i-2"})}})) == "&Id.1=i-1&Id.2=i-2");
  const Value tag = Value::object({{"Key", "k"}, {"Value", ""}});
  const Value tags =
      Value::object({{"ResourceType", "instance"}, {"Tag", Value(Value::List{tag})}});
  CHECK(body_of(Value::object({{"TagSpecification", Value(Value::List{tags})}})) ==
        "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k"
        "&TagSpecification.1.Tag.1.Value=");
}

TEST_CASE("what is not said is not sent") {
  CHECK(body_of(Value::object({{"A", Value()},
                               {"B", Value(Value::List{})},
                               {"C", Value::object({{"D", Value()}})},
                               {"E", ""}})) == "&E=");
}

TEST_CASE("a query is a signed form to the service's place") {
  Ec2Harness ec2;
  ec2.answer("DescribeThings",
             "<thingSet><item><id>1</id></item><item><id>2</id></item></thingSet>");
  const Value content = send_query(ec2.client, call_with({}), {}).require();
  CHECK(ec2.http.line(0) == "POST https://ec2.eu-west-1.amazonaws.com/");
  CHECK(ec2.http.header(0, "content-type") == "application/x-www-form-urlencoded; charset=utf-8");
  CHECK_THAT(ec2.http.header(0, "authorization"), ContainsSubstring("/eu-west-1/ec2/aws4_request"));
  CHECK(items(content, "thingSet").size() == 2);
  CHECK(items(content, "otherSet").empty());
}

TEST_CASE("lists of one and none are lists") {
  Ec2Harness ec2;
  ec2.answer("DescribeThings", "<one><item>a</item></one><none/>");
  const Value content = send_query(ec2.client, call_with({}), {}).require();
  CHECK(items(content, "one").size() == 1);
  CHECK(items(content, "none").empty());
}

TEST_CASE("a failure is a value, or thrown in words") {
  Ec2Harness ec2;
  ec2.fail("InvalidThing.NotFound", "The thing 't' does not exist");
  auto result = send_query(ec2.client, call_with({}), {});
  CHECK_FALSE(result.ok());
  REQUIRE(result.failure);
  CHECK(result.failure->code == "InvalidThing.NotFound");
  CHECK(result.failure->request_id == "R1");
  const auto length = result.then([](const Value& value) { return value.map().size(); });
  REQUIRE(length.failure);
  CHECK(length.failure->code == "InvalidThing.NotFound");
  CHECK(
      ClientHarness::refusal([&] { result.require(); }) ==
      "EC2 DescribeThings: InvalidThing.NotFound: The thing 't' does not exist (request id R1) | ");
}

TEST_CASE("an answer that cannot be read names the call") {
  Ec2Harness ec2;
  const auto refused = [&](const std::string& body) {
    ec2.http.add(200, body);
    return ClientHarness::refusal([&] { (void)send_query(ec2.client, call_with({}), {}); });
  };
  CHECK(refused("<DescribeThingsResponse><cut") ==
        "EC2 DescribeThings: the answer is not well-formed XML at byte 28: a name is "
        "missing | ");
  CHECK(refused("<html></html>") ==
        "EC2 DescribeThings: the answer is no DescribeThingsResponse | ");
  CHECK_THAT(refused(""), ContainsSubstring("EC2 DescribeThings: the answer is not well-formed"));
}
