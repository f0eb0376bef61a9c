#include "runner/controller/aws_names.hpp"

#include <vector>

#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

bool is_subnet_id(const std::string& text) {
  return is_resource_id(text, "subnet-");
}

}  // namespace

TEST_CASE("names and ids of AWS are told from slips of the pen") {
  struct Case {
    bool (*is_good)(const std::string&);
    std::vector<std::string> good;
    std::vector<std::string> bad;
  };
  const Case cases[] = {
      {is_account, {"012345678901"}, {"", "12", "0123456789012", "01234567890a"}},
      {is_region,
       {"eu-west-1", "us-gov-east-1", "ap-southeast-2"},
       {"", "Frankfurt", "eu-west", "eu-west-", "eu--1", "-west-1", "EU-west-1", "eu-west-1a"}},
      {is_subnet_id,
       {"subnet-1", "subnet-0123456789abcdef0"},
       {"", "subnet-", "net-1", "subnet-xyz", "subnet-1 ", "subnet-1A"}},
      {is_instance_type,
       {"t3.medium", "m7i.metal-24xl", "u-6tb1.56xlarge"},
       {"", "large", "m7i.", ".large", "T3.medium", "t3.medium.large", "t3. medium"}},
      {is_bucket_name,
       {"logs", "my.logs-1", "0ab", std::string(63, 'a')},
       {"", "ab", std::string(64, 'a'), "My_Bucket", "a/b", "s3://logs", "-ab", "ab-", "a..b",
        "10.0.0.1"}},
      {is_instance_profile_name,
       {"builder", "Build+er=,.@_-1"},
       {"", "a/b", "arn:aws:iam::123456789012:instance-profile/builder", std::string(129, 'a')}},
      {is_address_range,
       {"198.51.100.7/32", "10.0.0.0/8", "2001:db8::/48", "::/0"},
       {"", "198.51.100.7", "hello/99", "hello/9", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
        "::/129", "10.0.0.0/8/8"}},
  };
  for (const Case& one : cases) {
    for (const std::string& text : one.good) {
      INFO(text);
      CHECK(one.is_good(text));
    }
    for (const std::string& text : one.bad) {
      INFO(text);
      CHECK_FALSE(one.is_good(text));
    }
  }
}
