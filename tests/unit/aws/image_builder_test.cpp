#include "runner/aws/image_builder.hpp"

#include "tests/support/aws_client.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

const std::string arn = "arn:aws:imagebuilder:us-west-2:aws:component/update-linux/1.0.2/1";

struct Builder : ClientHarness {
  std::string get(const std::string& name = arn) { return get_component(client, name, {}); }
  std::string failure(const std::string& name = arn) {
    return refusal([&] { get(name); });
  }
};

}  // namespace

TEST_CASE("a component is asked for in its region") {
  Builder builder;
  builder.http.add(200, R"({"requestId": "R", "component": {"data": "name: x\n"}})");
  CHECK(builder.get() == "name: x\n");
  CHECK(builder.http.line(0) ==
        "GET https://imagebuilder.us-west-2.amazonaws.com/GetComponent?componentBuildVersionArn="
        "arn%3Aaws%3Aimagebuilder%3Aus-west-2%3Aaws%3Acomponent%2Fupdate-linux%2F1.0.2%2F1");
}

TEST_CASE("the original's variable for the endpoint") {
  Builder builder;
  builder.environment = {{"AWSTOE_IMAGEBUILDER_ENDPOINT", "https://builder.example"},
                         {"AWS_ENDPOINT_URL", "https://others.example"}};
  builder.http.add(200, R"({"component": {"data": "d"}})");
  builder.get();
  CHECK_THAT(builder.http.line(0), StartsWith("GET https://builder.example/GetComponent?"));
  CHECK_THAT(builder.http.header(0, "authorization"),
             ContainsSubstring("/us-west-2/imagebuilder/aws4_request"));
}

TEST_CASE("which ARNs are components") {
  Builder builder;
  const std::string base = "arn:aws-cn:imagebuilder:cn-north-1:123456789012:component/a";
  for (const char* version : {"/1.0.0", "/1.0.0/2", "/1.x.x", "/x.x.x"}) {
    INFO(version);
    builder.http.add(200, R"({"component": {"data": "d"}})");
    CHECK(builder.get(base + version) == "d");
  }
  CHECK_THAT(builder.failure(base), ContainsSubstring("for the newest one: " + base + "/x.x.x"));
  for (const std::string& wrong :
       {base + "/1.0", base + "/1.x.x/1", base + "/1.0.0/x", base + "/latest", base + "/1.0.0/1/1",
        std::string("arn:aws:imagebuilder:us-east-1:1:image/a/1.0.0/1"),
        std::string("arn:aws:imagebuilder::1:component/a/1.0.0/1"),
        std::string("arn:aws:imagebuilder:component/a/1.0.0/1")}) {
    INFO(wrong);
    CHECK_THAT(builder.failure(wrong), ContainsSubstring("is not the ARN of a component"));
    CHECK(is_image_builder_arn(wrong));
  }
  CHECK_FALSE(is_image_builder_arn("arn:aws:s3:::bucket/key"));
  CHECK_FALSE(is_image_builder_arn("docs/:imagebuilder:.yml"));
}

TEST_CASE("a component whose document cannot be had") {
  Builder builder;
  builder.http.add(400, R"({"message": "The resource does not exist"})",
                   {{"x-amzn-errortype", "ResourceNotFoundException"}});
  CHECK_THAT(builder.failure(),
             ContainsSubstring("there is no component " + arn + " in us-west-2"));
  builder.http.add(403, R"({"message": "no"})", {{"x-amzn-errortype", "AccessDeniedException"}});
  CHECK_THAT(builder.failure(),
             ContainsSubstring("| allow imagebuilder:GetComponent on component " + arn +
                               " in the policy"));
  builder.http.add(200, R"({"component": {"encrypted": true, "kmsKeyId": "K"}})");
  CHECK_THAT(builder.failure(), ContainsSubstring("encrypted with the key K"));
  builder.http.add(200, R"({"component": {"obfuscate": true}})");
  CHECK_THAT(builder.failure(), ContainsSubstring("its publisher hides its document"));
  builder.http.add(200, R"({"component": {}})");
  CHECK_THAT(builder.failure(), ContainsSubstring("Image Builder gave no document"));
  builder.http.add(200, "<html>");
  CHECK_THAT(builder.failure(), ContainsSubstring("the answer cannot be read"));
}
