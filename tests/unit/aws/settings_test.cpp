#include "runner/aws/settings.hpp"

#include "runner/base/error.hpp"
#include "tests/support/aws_home.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using toehold::test::AwsHome;

namespace {
std::string refusal(const AwsHome& home, const std::string& profile = {}) {
  try {
    home.settings(profile);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::usage);
    return std::string(error.what()) + " | " + error.hint();
  }
}
}  // namespace

TEST_CASE("without files and variables everything is as usual") {
  const Settings settings = AwsHome().settings();
  CHECK(settings.profile == "default");
  CHECK_FALSE(settings.profile_was_asked_for);
  CHECK(settings.region.empty());
  CHECK(settings.max_attempts == 5);
  CHECK(settings.imds_endpoint == "http://169.254.169.254");
  CHECK_FALSE(settings.endpoint("s3"));
  CHECK_FALSE(settings.path_style);
}

TEST_CASE("environment goes before profile, and options before both") {
  AwsHome home;
  home.config("[default]\nregion = eu-north-1\n[profile build]\nregion = eu-west-1\n");
  CHECK(home.settings().region == "eu-north-1");
  CHECK(home.settings("build").region == "eu-west-1");
  CHECK(home.settings("build").profile_is_option);
  home.variables["AWS_PROFILE"] = "build";
  CHECK(home.settings().region == "eu-west-1");
  CHECK_FALSE(home.settings().profile_is_option);
  home.variables["AWS_DEFAULT_PROFILE"] = "default";
  CHECK(home.settings().profile == "default");
  home.variables["AWS_DEFAULT_REGION"] = "eu-west-2";
  CHECK(home.settings().region == "eu-west-2");
  home.variables["AWS_REGION"] = "eu-west-3";
  CHECK(home.settings().region == "eu-west-3");
  home.variables["AWS_REGION"] = "";
  CHECK(home.settings().region == "eu-west-2");
  CHECK(home.settings("", "us-east-2").region == "us-east-2");
}

TEST_CASE("credentials complete the profiles of the config, and go before it") {
  AwsHome home;
  home.config(
      "[default]\nregion = a\n[profile default]\noutput = json\n"
      "[profile x]\naws_access_key_id = OLD\nregion = b\n");
  home.credentials("[x]\naws_access_key_id = NEW\n[profile y]\naws_access_key_id = Y\n");
  const Settings settings = home.settings("x");
  CHECK(settings.of_profile("aws_access_key_id") == "NEW");
  CHECK(settings.of_profile("region") == "b");
  CHECK(settings.of_profile("nothing").empty());
  CHECK(settings.profiles.at("default") == Section{{"output", "json"}});
  CHECK(settings.profiles.contains("profile y"));
  home.variables["AWS_SHARED_CREDENTIALS_FILE"] = home.write("other", "[x]\nregion = c\n");
  home.variables["AWS_CONFIG_FILE"] = "~/none";
  CHECK(home.settings("x").region == "c");
  CHECK(home.settings("x").of_profile("aws_access_key_id").empty());
}

TEST_CASE("a profile that is asked for must be there") {
  AwsHome home;
  home.config("[profile build]\nregion = eu-west-1\n");
  CHECK(refusal(home, "biuld") ==
        "there is no AWS profile 'biuld', which --profile asks for | did you mean 'build'?");
  home.variables["AWS_PROFILE"] = "production";
  CHECK(refusal(home) ==
        "there is no AWS profile 'production', which AWS_PROFILE asks for | write it as "
        "[profile production] into ~/.aws/config");
  home.variables["AWS_PROFILE"] = "default";
  CHECK(refusal(home).empty());
}

TEST_CASE("switches and numbers come from both places and are checked") {
  AwsHome home;
  home.config(
      "[default]\nuse_fips_endpoint = true\nmax_attempts = 3\nca_bundle = ~/ca.pem\n"
      "s3 =\n  addressing_style = path\nmetadata_service_timeout = 2\n");
  Settings settings = home.settings();
  CHECK(settings.use_fips);
  CHECK(settings.max_attempts == 3);
  CHECK(settings.path_style);
  CHECK(settings.ca_bundle == home.path("ca.pem"));
  CHECK(settings.imds_timeout_seconds == 2);
  home.variables = {
      {"HOME", home.variables["HOME"]},          {"AWS_USE_FIPS_ENDPOINT", "False"},
      {"AWS_USE_DUALSTACK_ENDPOINT", "true"},    {"AWS_MAX_ATTEMPTS", "1"},
      {"AWS_CA_BUNDLE", "/etc/ca.pem"},          {"AWS_EC2_METADATA_DISABLED", "TRUE"},
      {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4"}};
  settings = home.settings();
  CHECK_FALSE(settings.use_fips);
  CHECK(settings.use_dualstack);
  CHECK(settings.max_attempts == 1);
  CHECK(settings.ca_bundle == "/etc/ca.pem");
  CHECK(settings.imds_disabled);
  CHECK(settings.imds_attempts == 4);
  home.variables["AWS_USE_FIPS_ENDPOINT"] = "yes";
  CHECK(refusal(home) == "AWS_USE_FIPS_ENDPOINT is 'yes' | write true or false");
  home.variables.erase("AWS_USE_FIPS_ENDPOINT");
  home.variables["AWS_MAX_ATTEMPTS"] = "0";
  CHECK(refusal(home) == "AWS_MAX_ATTEMPTS is '0' | write a number from 1 to 100");
  home.variables.erase("AWS_MAX_ATTEMPTS");
  home.config("[default]\nmax_attempts = many\n");
  CHECK_THAT(refusal(home), StartsWith("max_attempts of profile default is 'many'"));
}

TEST_CASE("instance metadata is where the settings say") {
  AwsHome home;
  home.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "ipv6";
  CHECK(home.settings().imds_endpoint == "http://[fd00:ec2::254]");
  home.config("[default]\nec2_metadata_service_endpoint = http://127.0.0.1:1338/\n");
  CHECK(home.settings().imds_endpoint == "http://127.0.0.1:1338");
  home.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1339";
  CHECK(home.settings().imds_endpoint == "http://127.0.0.1:1339");
  home.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv5";
  CHECK_THAT(refusal(home), ContainsSubstring("write IPv4 or IPv6"));
}

TEST_CASE("the endpoint of a service is the most particular that is said") {
  AwsHome home;
  home.config(
      "[default]\nservices = local\nendpoint_url = http://profile\n"
      "[services local]\ns3 =\n  endpoint_url = http://service\n"
      "cloudwatch_logs =\n  endpoint_url = http://logs\n"
      "[profile lost]\nservices = nowhere\n");
  CHECK(home.settings().endpoint("s3") == "http://service");
  CHECK(home.settings().endpoint("cloudwatch_logs") == "http://logs");
  CHECK(home.settings().endpoint("ssm") == "http://profile");
  CHECK_THROWS_WITH(home.settings("lost").endpoint("s3"),
                    ContainsSubstring("there is no [services nowhere]"));
  home.variables["AWS_ENDPOINT_URL"] = "http://all";
  CHECK(home.settings().endpoint("s3") == "http://all");
  home.variables["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] = "http://one";
  CHECK(home.settings().endpoint("cloudwatch_logs") == "http://one");
  CHECK(home.settings().endpoint("ssm") == "http://all");
  home.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK_FALSE(home.settings().endpoint("cloudwatch_logs"));
}
