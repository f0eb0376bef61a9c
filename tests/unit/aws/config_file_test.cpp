#include "runner/aws/config_file.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;

namespace {
std::string refusal(const std::string& text) {
  try {
    parse_config_file(text, "config");
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::usage);
    return error.what();
  }
}
}  // namespace

TEST_CASE("sections, settings and blocks are told apart") {
  const auto sections = parse_config_file(
      "\xEF\xBB\xBF# of the team\n"
      "[default]\r\n"
      "  Region = eu-central-1\r\n"
      "  output=json\n"
      "\n"
      "[profile 'a b'] # theirs\n"
      "role_arn: arn:aws:iam::1:role/x\n"
      "s3 =\n"
      "  # not virtual\n"
      "  addressing_style = path\n"
      "\n"
      "  max_queue_size=10\n"
      "credential_process = tool --a\n"
      "    --b\n"
      "key = value # and more\n"
      "[ services local ]\n"
      "s3 =\n"
      "\tendpoint_url = http://127.0.0.1:9000\n"
      "[sso-session\tcorp]\n"
      "sso_region = us-east-1\n"
      "[profiles]\n"
      "[plugins]\n",
      "config");
  REQUIRE(sections.size() == 6);
  CHECK(sections[0].type.empty());
  CHECK(sections[0].name == "default");
  CHECK(sections[0].values == Section{{"region", "eu-central-1"}, {"output", "json"}});
  CHECK(sections[1].type == "profile");
  CHECK(sections[1].name == "a b");
  CHECK(sections[1].values == Section{{"role_arn", "arn:aws:iam::1:role/x"},
                                      {"s3", ""},
                                      {"s3.addressing_style", "path"},
                                      {"s3.max_queue_size", "10"},
                                      {"credential_process", "tool --a\n--b"},
                                      {"key", "value # and more"}});
  CHECK(sections[2].type == "services");
  CHECK(sections[2].values.at("s3.endpoint_url") == "http://127.0.0.1:9000");
  CHECK(sections[3].type == "sso-session");
  CHECK(sections[3].name == "corp");
  CHECK(sections[4].type.empty());
  CHECK(sections[4].name == "profiles");
}

TEST_CASE("a file that cannot be read says in which line") {
  CHECK_THAT(refusal("\nregion = x\n"), StartsWith("config:2: this is before the first"));
  CHECK_THAT(refusal("[default]\nregion\n"), StartsWith("config:2: neither"));
  CHECK_THAT(refusal("[default]\n= x\n"), StartsWith("config:2: neither"));
  CHECK_THAT(refusal("[default\n"), StartsWith("config:1: a section's name ends"));
  CHECK_THAT(refusal("[default]\na = b\n[]\n"), StartsWith("config:3: a section has a name"));
  CHECK_THAT(refusal("[default]\ns3 =\n  addressing_style\n"), StartsWith("config:3: neither"));
  CHECK(refusal("").empty());
}
