#include "runner/controller/distribution_plan.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

constexpr UnixMillis built = 1'801'389'600'000;  // 2027-01-31T10:00:00Z

SourceImage source() {
  SourceImage image;
  image.id = "ami-1";
  image.region = "eu-west-1";
  image.account = "111122223333";
  image.name = "web 1.0.0";
  image.description = "serves";
  image.build_id = "web-1";
  image.tags = {{"Name", "web 1.0.0"}, {"team", "web"}, {"stage", "x"}, {"toehold:part", "image"}};
  image.snapshots = {"snap-1"};
  return image;
}

Distribution to(const std::string& region) {
  Distribution distribution;
  distribution.region = region;
  distribution.where = {4, 5};
  return distribution;
}

struct Planned {
  DistributionPlan plan;
  std::string problems;
};

Planned plan(const SourceImage& image, const std::vector<Distribution>& distributions) {
  Diagnostics diagnostics(nullptr);
  Planned planned;
  planned.plan = plan_distribution(image, {"web", "1.0.0", "web-1", "", built}, distributions,
                                   built, diagnostics);
  for (const Diagnostic& item : diagnostics.items()) {
    planned.problems += item.message + " | " + item.hint + "\n";
  }
  return planned;
}

}  // namespace

TEST_CASE("which accounts in which regions an image goes to") {
  Distribution here = to("eu-west-1");
  here.ami_tags = {{"stage", "live"}};
  here.launch_permission.user_ids = {"999988887777"};
  Distribution there = to("us-gov-east-1");
  there.name = "{{ name }} {{ region }} {{ buildId }}";
  there.target_accounts = {"444455556666", "111122223333"};
  there.launch_permission.user_ids = {"999988887777"};
  there.deprecate_after = "1 day";
  there.role = "path/Copies";
  there.parameters = {{"/ours", "", "text", {}}, {"/theirs", "444455556666", "text", {}}};
  const auto [plan, problems] = ::plan(source(), {here, there});
  CHECK(problems.empty());
  CHECK(plan.share_with == std::vector<std::string>{"444455556666"});
  REQUIRE(plan.targets.size() == 3);

  CHECK_FALSE(plan.targets[0].copy);
  CHECK(plan.targets[0].tags == aws::ec2::Tags{{"stage", "live"}});
  CHECK(plan.targets[0].permission.user_ids.size() == 1);

  const DistributionTarget& ours = plan.targets[1];
  CHECK(ours.copy);
  CHECK(ours.role.empty());
  CHECK(ours.name == "web us-gov-east-1 web-1");
  CHECK(ours.description == "serves");
  CHECK(ours.tags == aws::ec2::Tags{{"Name", ours.name},
                                    {"team", "web"},
                                    {"toehold:build-id", "web-1"},
                                    {"toehold:part", "copy"},
                                    {"toehold:lease-until", "delivered"}});
  CHECK(ours.deprecate_at == built + 24 * 3600 * 1000);
  REQUIRE(ours.parameters.size() == 1);
  CHECK(ours.parameters[0].name == "/ours");

  const DistributionTarget& theirs = plan.targets[2];
  CHECK(theirs.account == "444455556666");
  CHECK(theirs.role == "arn:aws-us-gov:iam::444455556666:role/path/Copies");
  CHECK(theirs.permission.empty());
  REQUIRE(theirs.parameters.size() == 1);
  CHECK(theirs.parameters[0].name == "/theirs");
}

TEST_CASE("a key makes a copy in the image's own region") {
  Distribution here = to("eu-west-1");
  here.kms_key = "arn:aws:kms:eu-west-1:111122223333:key/1";
  here.name = "web {{ buildId }}";
  CHECK(plan(source(), {here}).plan.targets[0].copy);
  here.name.clear();
  CHECK_THAT(plan(source(), {here}).problems, ContainsSubstring("needs a name of its own"));
  SourceImage encrypted = source();
  encrypted.keys = {here.kms_key};
  CHECK_FALSE(plan(encrypted, {here}).plan.targets[0].copy);
  here.kms_key = "1";
  CHECK_FALSE(plan(encrypted, {here}).plan.targets[0].copy);
  here.kms_key = "2";
  CHECK(plan(encrypted, {here}).plan.targets[0].copy);
}

TEST_CASE("an encrypted image that cannot be shared") {
  SourceImage image = source();
  image.keys = {"arn:aws:kms:eu-west-1:111122223333:key/1"};
  image.aws_key = true;
  Distribution there = to("us-east-1");
  there.target_accounts = {"444455556666"};
  CHECK_THAT(plan(image, {there}).problems,
             ContainsSubstring("ami-1 is encrypted with AWS' own key and cannot be shared with the "
                               "accounts 444455556666 | build it with a key of yours"));
  image.aws_key = false;
  CHECK(plan(image, {there}).problems.empty());

  there.target_accounts.clear();
  there.launch_permission.user_ids = {"444455556666"};
  CHECK_THAT(plan(image, {there}).problems,
             ContainsSubstring("would be encrypted with the default key there"));
  there.kms_key = "alias/mine";
  CHECK(plan(image, {there}).problems.empty());
  Distribution here = to("eu-west-1");
  here.launch_permission.user_ids = {"444455556666"};
  CHECK(plan(image, {here}).problems.empty());
  image.aws_key = true;
  CHECK_THAT(plan(image, {here}).problems, ContainsSubstring("gives nobody else leave to use it"));
  here.launch_permission.user_groups = {"all"};
  CHECK_THAT(plan(image, {here}).problems, ContainsSubstring("such an image cannot be public"));
}

TEST_CASE("mistakes that only the account and the time show") {
  Distribution there = to("us-east-1");
  there.launch_templates = {{"lt-1", "444455556666", false, {}}};
  CHECK_THAT(plan(source(), {there}).problems,
             ContainsSubstring("the launch template lt-1 is in account 444455556666, which gets no "
                               "image in us-east-1 | add 444455556666 to targetAccountIds"));
  there.launch_templates = {{"lt-1", "111122223333", false, {}}};
  CHECK(plan(source(), {there}).plan.targets[0].launch_templates.size() == 1);
  there.deprecate_at = "2027-01-31";
  CHECK_THAT(plan(source(), {there}).problems,
             ContainsSubstring("would have been deprecated since"));
  there.deprecate_at = "2039-01-31";
  CHECK_THAT(plan(source(), {there}).problems, ContainsSubstring("more than 10 years away"));
}

TEST_CASE("the name that the image gets where it is built") {
  Distribution here = to("eu-west-1");
  here.name = "{{ name }} {{ imagebuilder:buildDate }}";
  const ImageFacts facts{"web", "1.0.0", "web-1", "eu-west-1", built};
  CHECK(distributed_name({to("us-east-1"), here}, facts) == "web 2027-01-31T10-00-00.000Z");
  CHECK(distributed_name({to("eu-west-1")}, facts).empty());
}
