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

/// `key` with tags a0, a1 ...
std::string tags_of(const std::string& key, int count) {
  std::string text = key + ": {a0: x";
  for (int i = 1; i < count; ++i) text += ", a" + std::to_string(i) + ": x";
  return text + "}\n";
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
      "  associatePublicIpAddress: false\n  terminateInstanceOnFailure: false\n"
      "  keyPair: admins\n  snsTopicArn: arn:aws:sns:eu-west-1:123456789012:builds\n"
      "  logging: {s3Logs: {s3BucketName: logs, s3KeyPrefix: images},\n"
      "            cloudWatchLogs: {logGroupName: /build/images}}\n");
  CHECK(ec2.key_pair == "admins");
  CHECK(ec2.topic == "arn:aws:sns:eu-west-1:123456789012:builds");
  CHECK(ec2.logging.find("s3Logs")->find("s3KeyPrefix")->text() == "images");
  CHECK(log_group_of(ec2) == "/build/images");
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
  struct Case {
    std::string target;
    const char* told;
  };
  const std::string ssm = "  base: ami-1\n  staging: s3://bucket/p\n  instanceProfileName: p\n";
  const Case cases[] = {
      {"  connect: ssh\n", "4:3 target 'ec2' needs a machine image to start from"},
      {"  connect: ssh\n  base: debian\n", "6:9 target 'ec2' cannot start from 'debian'"},
      {"  connect: ssh\n  base: ami-xyz\n",
       "6:9 'ami-xyz' is no id of a machine image | an id looks like ami-0123456789abcdef0"},
      {"  connect: ssh\n  base: name:debian-12-*\n", "write baseOwner:"},
      {"  connect: ssh\n  base: name:debian-12-*\n  baseOwner: debian\n",
       "7:14 'debian' of 'baseOwner' owns no images | write an account id"},
      {least + "  baseOwner: self\n", "belongs to a base that is 'name:PATTERN'"},
      {"  base: ami-1\n  instanceProfileName: p\n", "write staging: s3://BUCKET/PREFIX"},
      {"  base: ami-1\n  staging: s3://bucket/p\n", "write instanceProfileName:"},
      {"  base: ami-1\n  staging: bucket\n  instanceProfileName: p\n",
       "6:12 'staging' of target 'ec2' is no address in S3: bucket"},
      {least + "  state: s3://My_Bucket/p\n",
       "7:10 'My_Bucket' of 'state' is no name of a bucket | a name has 3 to 63"},
      {least + "  region: Frankfurt\n",
       "7:11 'Frankfurt' is no region | write the code of one, such as eu-west-1"},
      {least + "  sshFrom: 198.51.100.7\n", "such as 198.51.100.7/32"},
      {least + "  sshFrom: hello/99\n",
       "7:12 'sshFrom' of target 'ec2' is no range of addresses: hello/99 | write it with its "
       "prefix, such as 198.51.100.7/32"},
      {least + "  sshFrom: 0.0.0.0/0\n", "would let the whole world knock"},
      {least + "  subnetId: subnet-1\n  subnetIds: [subnet-2]\n", "are both there"},
      {least + "  subnetId: net-1\n",
       "7:13 'net-1' of 'subnetId' is no id of a subnet | it looks like subnet-0123456789abcdef0"},
      {least + "  subnetIds: [subnet-1, net-1]\n", "7:25 'net-1' of 'subnetIds' is no id"},
      {least + "  securityGroupIds: [sg1]\n",
       "7:22 'sg1' of 'securityGroupIds' is no id of a "
       "security group | it looks like "
       "sg-0123456789abcdef0"},
      {least + "  instanceTypes: [t3.medium, m7i.]\n",
       "7:30 'm7i.' of 'instanceTypes' is no type of instance | write one such as t3.medium"},
      {least + "  instanceProfileName: arn:aws:iam::123456789012:instance-profile/p\n",
       "cannot name an instance profile | write its name, not its ARN"},
      {least + "  market: [cheap]\n",
       "7:12 an entry of 'market' of target 'ec2' cannot be 'cheap' | write one of: spot, "
       "on-demand"},
      {least + "  resourceTags: {'aws:x': y}\n", "7:18 'aws:x' of 'resourceTags' cannot be a tag"},
      {least + "  resourceTags: [a]\n", "write\nresourceTags:\n  NAME: TEXT"},
      {least + "  imageName: a\n", "7:14 'a' of 'imageName' has fewer than 3 characters"},
      {least + "  user: -x\n",
       "'user' of target 'ec2' cannot be '-x' | write a name that the image knows"},
      {least + "  lease: abc\n",
       "7:10 'lease' of target 'ec2' takes a whole number, not 'abc' | "
       "write a number from 10 to 10080"},
      {least + "  instanceMetadataOptions: {httpTokens: maybe}\n",
       "'httpTokens' of 'instanceMetadataOptions' of target 'ec2' cannot be 'maybe'"},
      {least + "  placement: {avail: a}\n",
       "'placement' of target 'ec2' does not know the key 'avail' | 'placement' of target 'ec2' "
       "takes the keys availabilityZone, tenancy"},
      {least + "  instancetype: t3.medium\n", "instancetype"},
      {least + "  snsTopicArn: builds\n", "write arn:aws:sns:REGION:ACCOUNT:NAME"},
      {least + "  snsTopicArn: arn:aws:sns:eu-west-1:123456789012:a.fifo\n",
       "no ARN of a standard topic"},
      {least + "  logging: {s3Logs: {s3KeyPrefix: logs}}\n",
       "7:21 's3Logs' of 'logging' of target 'ec2' needs 's3BucketName'"},
      {least + "  logging:\n    s3Logs:\n      s3BucketName: a/b\n",
       "9:21 'a/b' of 's3BucketName' is no name of a bucket"},
      {least + "  logging: {cloudWatch: {}}\n", "cloudWatch"},
      {least + "  logging: {cloudWatchLogs: {logGroupName: a}}\n",
       "7:29 'cloudWatchLogs' of 'logging' belongs to 'connect: ssm' | leave it out"},
      {ssm + "  logging: {cloudWatchLogs: {}}\n",
       "8:29 'cloudWatchLogs' of 'logging' of target 'ec2' needs 'logGroupName'"},
      {ssm + "  logging: {cloudWatchLogs: {logGroupName: " + std::string(257, 'a') + "}}\n",
       "'logGroupName' has more than 256 characters"},
      {ssm + "  logging: {cloudWatchLogs: {logGroupName: 'a b'}}\n",
       "8:44 'a b' cannot be the name of a log group | write 1 to 512 letters"},
      {least + tags_of("  resourceTags", 46), "7:17 'resourceTags' has more than 45 tags"},
  };
  for (const Case& one : cases) {
    INFO(one.target);
    check_mistake(one.target, one.told);
  }
}

TEST_CASE("what EC2 would refuse only when it makes the image is told before") {
  const auto with = [](const std::string& more) { return problems(read(least, more)); };
  CHECK(with("description: " + std::string(255, 'd') + "\n").empty());
  CHECK_THAT(with("description: " + std::string(256, 'd') + "\n"),
             StartsWith("3:14 'description' of the recipe has more than 255 characters"));
  CHECK(with(tags_of("tags", 40) + "amiTags: {a0: x, Name: y, b: z, c: z, d: z, e: z}\n").empty());
  CHECK_THAT(with(tags_of("tags", 44) + "amiTags: {a0: x, b: z, c: z, d: z}\n"),
             StartsWith("4:10 the image would have 51 tags"));
  CHECK_THAT(with(tags_of("tags", 47)), StartsWith("3:7 the image would have 51 tags"));
  const std::string elsewhere = "name: web\ncomponents: [a.yaml]\ntarget: {type: ssh, host: a}\n" +
                                tags_of("tags", 50) + "description: " + std::string(256, 'd') +
                                "\n";
  CHECK(problems(read_recipe(std::make_shared<SourceText>("r", elsewhere), "/r")).empty());
}

TEST_CASE("all mistakes in the target ec2 are told at once, and nothing that follows from them") {
  const auto told = [](const std::string& target) { return problems(read(target)); };
  CHECK(told(least + "  lease: 5\n  market: [dear]\n  sshFrom: 1.2.3.4\n"
                     "  logging: {s3Logs: {s3BucketName: a/b}}\n") ==
        "7:10 'lease' of target 'ec2' is out of range: 5 | write a number from 10 to 10080\n"
        "8:12 an entry of 'market' of target 'ec2' cannot be 'dear' | write one of: spot, "
        "on-demand\n"
        "9:12 'sshFrom' of target 'ec2' is no range of addresses: 1.2.3.4 | write it with its "
        "prefix, such as 198.51.100.7/32\n"
        "10:36 'a/b' of 's3BucketName' is no name of a bucket | a name has 3 to 63 lower-case "
        "letters, digits, '-' and '.', no other sign and no folder\n");
  CHECK(read("  connect: telnet\n  base: ami-1\n  sshFrom: 10.0.0.0/8\n").diagnostics.found() == 1);
  CHECK(read("  base: [ami-1]\n  staging: [a]\n  instanceProfileNam: p\n").diagnostics.found() ==
        3);
}

TEST_CASE("a wrong parent image is told where it is written") {
  const LoadedRecipes loaded =
      read("  connect: ssh\n", "parentImage: arn:aws:imagebuilder:eu-west-1:aws:image/a/x.x.x\n");
  CHECK_THAT(problems(loaded), ContainsSubstring("3:14 target 'ec2' cannot start from 'arn:"));
  REQUIRE(loaded.diagnostics.found() == 1);
  CHECK(std::string(loaded.diagnostics.items().front().code) == "invalid-value");
}

TEST_CASE("user data that cannot go along with ours is told before anything runs") {
  const auto told = [](const std::string& data) {
    return problems(
        read(least, "additionalInstanceConfiguration:\n  userDataOverride: " + data + "\n"));
  };
  CHECK_THAT(told("aGVsbG8K"),  // hello
             ContainsSubstring("4:21 'userDataOverride' of the recipe is of a kind") &&
                 ContainsSubstring("begin it with #!, #cloud-config"));
  CHECK(told("IyEvYmluL3NoCg==") == "");  // #!/bin/sh
}

TEST_CASE("what has few values is sent as AWS writes them, however it is written") {
  const LoadedRecipes loaded =
      read(least +
               "  market: [Spot, ON-DEMAND]\n  placement: {tenancy: Dedicated}\n"
               "  instanceMetadataOptions: {httpTokens: Required}\n  cleanup: Never\n",
           "blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {volumeType: GP3}}]\n"
           "distributions: [{region: eu-west-1, ssmParameterConfigurations: "
           "[{parameterName: /x, dataType: TEXT}]}]\n");
  INFO(problems(loaded));
  REQUIRE(loaded.diagnostics.items().empty());
  const Recipe& recipe = loaded.builds.front();
  const Ec2Options ec2 = ec2_options(recipe);
  CHECK(ec2.market == std::vector<std::string>{"spot", "on-demand"});
  CHECK(ec2.placement.find("tenancy")->text() == "dedicated");
  CHECK(ec2.metadata_options.find("httpTokens")->text() == "required");
  CHECK(ec2.cleanup == "never");
  const Value& mapping = recipe.block_device_mappings.list().front();
  CHECK(mapping.find("ebs")->find("volumeType")->text() == "gp3");
  CHECK(recipe.distributions.front().parameters.front().data_type == "text");
}

TEST_CASE("words that stand elsewhere than in Image Builder are told with their place") {
  check_mistake(least + "  tags: {a: b}\n", "write resourceTags:");
  check_mistake(least + "  name: mine\n", "the recipe's own name:");
  check_mistake(least + "  description: mine\n", "write description: in the recipe");

  const LoadedRecipes loaded = read(least + "  name: mine\n  spott: [a]\n");
  INFO(problems(loaded));
  REQUIRE(loaded.diagnostics.found() == 2);
  for (const Diagnostic& finding : loaded.diagnostics.items()) CHECK(finding.where.column == 3);
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
