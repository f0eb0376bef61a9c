#include "runner/controller/ec2_options.hpp"

#include "runner/controller/ec2_launch.hpp"
#include "runner/controller/ec2_things.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

const std::string least = "  connect: ssh\n  base: ami-1\n";

LoadedRecipes read(const std::string& target, const std::string& more = {}) {
  const std::string text =
      "name: web\ncomponents: [a.yaml]\n" + more + "target:\n  type: ec2\n" + target;
  return read_recipe(std::make_shared<SourceText>("recipe.yaml", text), "/recipes");
}

std::string problems(const LoadedRecipes& loaded) {
  std::string text;
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    text += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
            item.message + " | " + item.hint + "\n";
  }
  return text;
}

Ec2Options good(const std::string& target, const std::string& more = {}) {
  const LoadedRecipes loaded = read(target, more);
  INFO(problems(loaded));
  REQUIRE(loaded.diagnostics.items().empty());
  return ec2_options(loaded.builds.front());
}

/// The target begins on line 3.
void check_mistake(const std::string& target, const std::string& problem) {
  const LoadedRecipes loaded = read(target);
  INFO(problems(loaded));
  CHECK(loaded.diagnostics.found() == 1);
  CHECK_THAT(problems(loaded), ContainsSubstring(problem));
}

}  // namespace

TEST_CASE("the options of the target ec2, in the words of Image Builder") {
  const Ec2Options ec2 = good(
      "  region: eu-west-1\n  base: name:debian-12-amd64-*\n  baseOwner: '136693071363'\n"
      "  staging: s3://bucket/builds\n  instanceProfileName: builder\n"
      "  instanceTypes: [c7i.large, m7i.large]\n  market: [spot, on-demand]\n"
      "  subnetIds: [subnet-1, subnet-2]\n  securityGroupIds: [sg-1]\n"
      "  instanceMetadataOptions: {httpPutResponseHopLimit: 2}\n"
      "  placement: {tenancy: dedicated}\n  resourceTags: {team: web}\n"
      "  associatePublicIpAddress: false\n  terminateInstanceOnFailure: false\n");
  CHECK(ec2.region == "eu-west-1");
  CHECK(ec2.base_owner == "136693071363");
  CHECK(ec2.instance_types == std::vector<std::string>{"c7i.large", "m7i.large"});
  CHECK(ec2.metadata_options.find("httpPutResponseHopLimit")->as_int() == 2);
  CHECK(ec2.placement.find("tenancy")->text() == "dedicated");
  CHECK(ec2.resource_tags == Parameters{{"team", "web"}});
  CHECK(ec2.public_address == false);
  CHECK_FALSE(ec2.terminate_on_failure);
  CHECK(subnets_to_try(ec2) == std::vector<std::string>{"subnet-1", "subnet-2"});
}

TEST_CASE("what is not written has a default") {
  const Ec2Options ec2 = good("  connect: ssh\n", "parentImage: ami-0123\n");
  CHECK(ec2.base == "ami-0123");
  CHECK(ec2.market == std::vector<std::string>{"on-demand"});
  CHECK(ec2.user == "ec2-user");
  CHECK(ec2.lease == 60);
  CHECK_FALSE(ec2.public_address.has_value());
  CHECK(subnets_to_try(ec2) == std::vector<std::string>{""});
}

TEST_CASE("mistakes in the target ec2 are told with what to write instead") {
  check_mistake("  connect: ssh\n", "4:3 target 'ec2' needs a machine image to start from");
  check_mistake("  connect: ssh\n  base: debian\n", "6:9 target 'ec2' cannot start from 'debian'");
  check_mistake("  connect: ssh\n  base: name:debian-12-*\n", "write baseOwner:");
  check_mistake(least + "  baseOwner: self\n", "belongs to a base that is 'name:PATTERN'");
  check_mistake("  base: ami-1\n  instanceProfileName: p\n", "write staging: s3://BUCKET/PREFIX");
  check_mistake("  base: ami-1\n  staging: s3://b/p\n", "write instanceProfileName:");
  check_mistake("  base: ami-1\n  staging: bucket\n  instanceProfileName: p\n",
                "6:12 'staging' of target 'ec2' is no address in S3: bucket");
  check_mistake(least + "  sshFrom: 198.51.100.7\n", "such as 198.51.100.7/32");
  check_mistake(least + "  sshFrom: 0.0.0.0/0\n", "would let the whole world knock");
  check_mistake(least + "  subnetId: subnet-1\n  subnetIds: [subnet-2]\n", "are both there");
  check_mistake(least + "  instanceTypes: [t3.medium, big]\n", "7:30 'big' of 'instanceTypes'");
  check_mistake(least + "  market: [cheap]\n", "neither on-demand nor spot");
  check_mistake(least + "  user: -x\n", "'user' of target 'ec2' cannot be '-x'");
  check_mistake(least + "  instanceMetadataOptions: {httpTokens: maybe}\n", "httpTokens");
  check_mistake(least + "  instancetype: t3.medium\n", "instancetype");
}

TEST_CASE("what is wanted most is tried first") {
  Ec2Options ec2 = good(least + "  instanceTypes: [a.large, b.large]\n" +
                        "  market: [spot, on-demand]\n  subnetIds: [subnet-1, subnet-2]\n");
  std::string order;
  for (const LaunchTry& one : launch_tries(ec2, "x86_64")) order += describe(one) + "\n";
  CHECK(order ==
        "a.large, spot, in subnet-1\na.large, spot, in subnet-2\n"
        "b.large, spot, in subnet-1\nb.large, spot, in subnet-2\n"
        "a.large, on-demand, in subnet-1\na.large, on-demand, in subnet-2\n"
        "b.large, on-demand, in subnet-1\nb.large, on-demand, in subnet-2\n");
  ec2 = good(least);
  CHECK(launch_tries(ec2, "x86_64").front().type == "t3.medium");
  CHECK(launch_tries(ec2, "arm64").front().type == "t4g.medium");
}

TEST_CASE("a record of the inventory finds the thing again") {
  Ec2Thing thing;
  thing.region = "eu-west-1";
  thing.build = "web-1";
  thing.part = "build";
  const std::string id = to_record_id(thing);
  CHECK(id == R"({"region":"eu-west-1","build":"web-1","part":"build"})");
  CHECK(read_record_id(id).part == "build");
  CHECK_THROWS_WITH(read_record_id("i-0123"), ContainsSubstring("the inventory is damaged"));
}

TEST_CASE("only what carries our tag is ours, and no tag of the user's hides it") {
  Ec2Thing thing;
  thing.build = "web-1";
  thing.part = "build";
  const auto tags = ec2_tags(thing, "web", {{build_tag, "another"}, {"Name", "mine"}, {"a", "b"}});
  CHECK(tags.at(build_tag) == "web-1");
  CHECK(tags.at("Name") == "mine");
  CHECK(tags.at("a") == "b");
  CHECK(is_made_by(thing, tags));
  CHECK_FALSE(is_made_by(thing, {{"Name", "toehold-web-1"}}));
  CHECK_FALSE(is_made_by(thing, {{build_tag, "web-10"}}));
  CHECK_FALSE(is_made_by(Ec2Thing{}, {{build_tag, ""}}));
}

TEST_CASE("a client token is the same for the same try, and for no other") {
  CHECK(client_token({"web", "build", "0"}) == client_token({"web", "build", "0"}));
  CHECK(client_token({"web", "build", "0"}) != client_token({"web", "build", "1"}));
  CHECK(client_token({"ab", "c"}) != client_token({"a", "bc"}));
  CHECK(client_token({"a"}).size() == 64);
}
