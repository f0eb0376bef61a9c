#include "runner/aws/endpoint.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;

namespace {

Settings plain() {
  Settings settings;
  settings.environment = [](const std::string&) { return std::nullopt; };
  return settings;
}

std::string url(const Service& service, const std::string& region, bool fips = false,
                bool dualstack = false) {
  Settings settings = plain();
  settings.use_fips = fips;
  settings.use_dualstack = dualstack;
  return endpoint_of(service, region, settings).url();
}

Settings configured(const std::string& endpoint) {
  Settings settings = plain();
  settings.environment = [endpoint](const std::string&) { return std::optional(endpoint); };
  return settings;
}

}  // namespace

TEST_CASE("a service is where its region and partition are") {
  CHECK(url(services::ssm, "eu-west-1") == "https://ssm.eu-west-1.amazonaws.com");
  CHECK(url(services::logs, "cn-north-1") == "https://logs.cn-north-1.amazonaws.com.cn");
  CHECK(url(services::s3, "us-gov-west-1") == "https://s3.us-gov-west-1.amazonaws.com");
  CHECK(url(services::ec2, "us-east-1", true) == "https://ec2-fips.us-east-1.amazonaws.com");
  CHECK(url(services::s3, "us-east-1", true, true) ==
        "https://s3-fips.dualstack.us-east-1.amazonaws.com");
  CHECK(url(services::image_builder, "us-gov-east-1", true) ==
        "https://imagebuilder.us-gov-east-1.amazonaws.com");
  CHECK(url(services::ec2, "us-gov-east-1", true, true) ==
        "https://ec2-fips.us-gov-east-1.api.aws");
  CHECK_THROWS_WITH(url(services::s3, "cn-north-1", true),
                    ContainsSubstring("no FIPS endpoint in cn-north-1"));
  CHECK(url(services::sts, "fips-us-east-1") == "https://sts-fips.us-east-1.amazonaws.com");
  CHECK(url(services::s3, "xx-new-9") == "https://s3.xx-new-9.amazonaws.com");
  CHECK(std::string(partition_of("us-iso-east-1").name) == "aws-iso");
  CHECK(std::string(partition_of("us-isob-east-1").name) == "aws-iso-b");
  CHECK(std::string(partition_of("mars-1").name) == "aws");
}

TEST_CASE("a region is a name and nothing else, for it becomes a part of the host") {
  for (const char* region :
       {"", "eu west 1", "eu-west-1.evil.example/", "EU", "a/b", "-a", "a@b"}) {
    INFO(region);
    CHECK_THROWS_AS(endpoint_of(services::s3, region, plain()), Error);
  }
}

TEST_CASE("a configured endpoint is taken as it is") {
  const Endpoint endpoint =
      endpoint_of(services::s3, "eu-west-1", configured("HTTPS://Host:443/base//"));
  CHECK(endpoint.url() == "https://host/base");
  CHECK(endpoint.is_configured);
  CHECK(endpoint.signing_region == "eu-west-1");
  CHECK(endpoint_of(services::s3, "eu-west-1", configured("http://[::1]:5000")).url() ==
        "http://[::1]:5000");
  for (const char* text : {"localhost:5000", "ftp://a", "http://", "http://a/?b", "http://u@h"}) {
    INFO(text);
    CHECK_THROWS_AS(endpoint_of(services::s3, "eu-west-1", configured(text)), Error);
  }
}
