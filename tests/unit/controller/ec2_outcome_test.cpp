#include "runner/controller/ec2_outcome.hpp"

#include "runner/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

Recipe web() {
  Recipe recipe;
  recipe.name = "web";
  recipe.version = "1.2.0";
  recipe.tags = {{"team", "shop"}};
  return recipe;
}

std::string told(const BuildOutcome& outcome, const std::string& logs = {}) {
  return to_json(ec2_outcome_message(web(), "web-1", 0, outcome, logs));
}

}  // namespace

TEST_CASE("the message of a build that succeeded names its images") {
  BuildOutcome outcome;
  Manifest& manifest = outcome.manifest.emplace();
  manifest.image = "ami-1 in eu-west-1";
  DistributionResult copy;
  copy.region = "us-east-1";
  copy.account = "123456789012";
  copy.image = "ami-2";
  copy.name = "web 1";
  manifest.distributed = {copy};
  CHECK(told(outcome) ==
        R"({"name":"web","version":"1.2.0","type":"AMI","platform":"Linux","buildId":"web-1",)"
        R"("state":{"status":"AVAILABLE"},"dateCreated":"1970-01-01T00:00:00Z",)"
        R"("outputResources":{"amis":[{"region":"eu-west-1","image":"ami-1"},)"
        R"({"region":"us-east-1","image":"ami-2","name":"web 1","accountId":"123456789012"}]},)"
        R"("tags":{"team":"shop"}})");
  copy.image = "ami-1";
  manifest.distributed = {copy};
  CHECK_THAT(told(outcome), !ContainsSubstring(R"("image":"ami-1"})"));
}

TEST_CASE("the message of a build that failed says where, and where the logs are") {
  BuildOutcome outcome;
  outcome.message = "step build.Install failed";
  outcome.failed_step = "build.Install";
  CHECK_THAT(told(outcome, "s3://logs/web/1.2.0/web-1"),
             ContainsSubstring(R"("state":{"status":"FAILED","reason":"step build.Install failed",)"
                               R"("failureContext":{"componentFailure":{"phaseName":"build",)"
                               R"("stepName":"Install",)") &&
                 ContainsSubstring(R"("logs":"s3://logs/web/1.2.0/web-1")") &&
                 ContainsSubstring(R"("amis":[])"));
  outcome.failed_step.clear();
  outcome.interrupted = true;
  CHECK_THAT(told(outcome), ContainsSubstring(R"("status":"CANCELLED")"));
}
