#include "runner/controller/distribution_reader.hpp"

#include "runner/controller/recipe.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

LoadedRecipes read(const std::string& distributions) {
  const std::string text = "name: web\ncomponents: [a.yaml]\ndistributions:\n" + distributions;
  return read_recipe(std::make_shared<SourceText>("recipe.yaml", text), "/recipes");
}

std::string problems(const LoadedRecipes& loaded) {
  std::string text;
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    text += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
            item.code + ": " + item.message + " | " + item.hint + "\n";
  }
  return text;
}

/// One mistake in one distribution to eu-west-1, whose further lines begin on line 5.
std::string mistake(const std::string& lines) {
  const LoadedRecipes loaded = read("  - region: eu-west-1\n" + lines);
  INFO(problems(loaded));
  CHECK(loaded.diagnostics.found() == 1);
  return problems(loaded);
}

/// The same, below `amiDistributionConfiguration`, from line 6 on.
std::string ami_mistake(const std::string& lines) {
  return mistake("    amiDistributionConfiguration:\n" + lines);
}

}  // namespace

TEST_CASE("distributions with everything in them") {
  const LoadedRecipes loaded = read(R"(  - region: eu-west-1
    amiDistributionConfiguration:
      name: "web {{ version }} {{ imagebuilder:buildDate }}"
      description: from {{ buildId }}
      targetAccountIds: [012345678901, "210987654321"]
      amiTags: {team: web, built: "{{ imagebuilder:buildDate }}"}
      kmsKeyId: arn:aws:kms:eu-west-1:123456789012:key/1234
      launchPermission:
        userIds: [012345678901]
        organizationArns: [arn:aws:organizations::123456789012:organization/o-0123456789]
        organizationalUnitArns: [arn:aws:organizations::123456789012:ou/o-0123456789/ou-0123-01234567]
    launchTemplateConfigurations:
      - {launchTemplateId: lt-0123456789abcdef0, setDefaultVersion: true}
      - {launchTemplateId: lt-0123456789abcdef1, accountId: 012345678901}
    ssmParameterConfigurations:
      - {parameterName: /images/web}
      - {parameterName: web, amiAccountId: 012345678901, dataType: text}
    deprecateAfter: 90 days
    deregistrationProtection: Enabled-With-Cooldown
    role: path/Copies
  - region: us-gov-east-1
)");
  INFO(problems(loaded));
  REQUIRE(loaded.diagnostics.items().empty());
  const std::vector<Distribution>& all = loaded.builds.front().distributions;
  REQUIRE(all.size() == 2);
  const Distribution& one = all.front();
  CHECK(one.region == "eu-west-1");
  CHECK(one.where == SourceLocation{4, 5});
  CHECK(one.name == "web {{ version }} {{ imagebuilder:buildDate }}");
  CHECK(one.description == "from {{ buildId }}");
  CHECK(one.target_accounts == std::vector<std::string>{"012345678901", "210987654321"});
  CHECK(one.ami_tags == Parameters{{"team", "web"}, {"built", "{{ imagebuilder:buildDate }}"}});
  CHECK(one.kms_key == "arn:aws:kms:eu-west-1:123456789012:key/1234");
  CHECK(one.launch_permission.user_ids == std::vector<std::string>{"012345678901"});
  CHECK(one.launch_permission.organization_arns.size() == 1);
  CHECK(one.launch_permission.organizational_unit_arns.size() == 1);
  REQUIRE(one.launch_templates.size() == 2);
  CHECK(one.launch_templates[0].id == "lt-0123456789abcdef0");
  CHECK(one.launch_templates[0].set_default);
  CHECK_FALSE(one.launch_templates[1].set_default);
  CHECK(one.launch_templates[1].account == "012345678901");
  REQUIRE(one.parameters.size() == 2);
  CHECK(one.parameters[0].name == "/images/web");
  CHECK(one.parameters[0].data_type == "aws:ec2:image");
  CHECK(one.parameters[1].account == "012345678901");
  CHECK(one.parameters[1].data_type == "text");
  CHECK(one.deprecate_after == "90 days");
  CHECK(one.deregistration_protection == "enabled-with-cooldown");
  CHECK(one.role == "path/Copies");
  CHECK(all[1].region == "us-gov-east-1");
  CHECK(all[1].role == "EC2ImageBuilderDistributionCrossAccountRole");
  CHECK(all[1].launch_permission.empty());
}

TEST_CASE("the shape of distributions") {
  CHECK_THAT(problems(read("  region: eu-west-1\n")),
             ContainsSubstring("4:3 wrong-type: 'distributions' of the recipe takes a list, not "
                               "a map | write\ndistributions:\n  - region: eu-west-1"));
  CHECK_THAT(problems(read("  []\n")), ContainsSubstring("takes a list, not an empty list"));
  CHECK_THAT(problems(read("  - amiDistributionConfiguration: {}\n")),
             ContainsSubstring("4:5 missing-key: a distribution needs 'region'"));
  CHECK_THAT(mistake("    amiDistributionConfig: {}\n"),
             ContainsSubstring("5:5 unknown-key: a distribution does not know the key "
                               "'amiDistributionConfig' | did you mean "
                               "'amiDistributionConfiguration'?"));
  CHECK_THAT(ami_mistake("      launchPermission: {users: []}\n"),
             ContainsSubstring("does not know the key 'users'"));
  CHECK_THAT(ami_mistake("      targetAccountIds: 123456789012\n"),
             ContainsSubstring("put '- ' before it to make it a list of one"));
}

TEST_CASE("all mistakes of all distributions are told at once") {
  const LoadedRecipes loaded = read(R"(  - region: europe
  - region: eu-west-1
    amiDistributionConfiguration: {name: web, targetAccountIds: [12]}
    deprecateAfter: soon
  - region: eu-west-1
)");
  CHECK(problems(loaded) ==
        "4:13 invalid-value: 'europe' is no region | write the code of one, such as eu-west-1\n"
        "6:42 invalid-value: every build would call its image 'web', which EC2 takes only once | "
        "add {{ imagebuilder:buildDate }} to the name\n"
        "6:66 invalid-value: '12' of 'targetAccountIds' is no account | an id has 12 digits\n"
        "7:21 invalid-value: 'deprecateAfter' of a distribution cannot be 'soon' | write a number "
        "of days, weeks, months or years, such as 90 days\n"
        "8:13 duplicate-name: the region eu-west-1 is there twice, on line 5 already | put into "
        "the first what both say, and leave the other out\n");
}

TEST_CASE("a mistake in the shape of a distribution hides no other") {
  const LoadedRecipes loaded = read(R"(  - region: eu-west
    amiDistributionConfiguration:
      name: "{{ nam }} {{ buildId }}"
      targetAccountIds: [1234, [5]]
      launchPermission: {userIds: 12, userGroups: [everybody]}
    launchTemplateConfigurations:
      - {launchTemplateId: foo, setDefaultVersion: perhaps}
      - {accountId: 1}
    ssmParameterConfigurations: [{dataType: text}]
    deprecateAfter: soon
    role: arn:aws:iam::1:role/x
    fastLaunchConfigurations: []
  - reigon: x
    deprecateAt: tomorrow
  - text
)");
  INFO(problems(loaded));
  const char* told[] = {
      "4:13 invalid-value: 'eu-west' is no region",
      "6:14 unknown-reference: there is no placeholder {{ nam }}",
      "7:26 invalid-value: '1234' of 'targetAccountIds' is no account",
      "7:32 wrong-type: an entry of 'targetAccountIds'",
      "8:35 wrong-type: 'userIds' of 'launchPermission' of 'amiDistributionConfiguration' of a",
      "8:52 invalid-value: there is no group 'everybody'",
      "10:28 invalid-value: 'foo' is no id of a launch template",
      "10:52 wrong-type: 'setDefaultVersion' of an item of 'launchTemplateConfigurations' of a",
      "11:9 missing-key: an item of 'launchTemplateConfigurations' of a distribution needs",
      "11:21 invalid-value: '1' of 'accountId' is no account",
      "12:34 missing-key: an item of 'ssmParameterConfigurations' of a distribution needs",
      "13:21 invalid-value: 'deprecateAfter' of a distribution cannot be 'soon'",
      "14:11 invalid-value: 'arn:aws:iam::1:role/x' cannot name a role",
      "15:5 unknown-key: a distribution does not know the key 'fastLaunchConfigurations'",
      "16:5 unknown-key: a distribution does not know the key 'reigon' | did you mean 'region'?",
      "17:18 invalid-value: 'deprecateAt' of a distribution is no time",
      "18:5 wrong-type: a distribution takes the keys",
  };
  for (const char* one : told) CHECK_THAT(problems(loaded), ContainsSubstring(one));
  CHECK(loaded.diagnostics.found() == std::size(told));
}

TEST_CASE("names of distributed images") {
  CHECK_THAT(
      ami_mistake("      name: \"web {{ imagebuilder:buildData }}\"\n"),
      ContainsSubstring("6:18 unknown-reference: there is no placeholder {{ "
                        "imagebuilder:buildData }} | did you mean 'imagebuilder:buildDate'?"));
  CHECK_THAT(ami_mistake("      name: web {{ it }} {{ buildId }}\n"),
             ContainsSubstring("there are imagebuilder:buildDate, imagebuilder:buildVersion, "
                               "buildId, name, version, region"));
  CHECK_THAT(ami_mistake("      name: web:{{ buildId }}\n"),
             ContainsSubstring("6:13 invalid-value: 'web:{{ buildId }}' becomes "
                               "'web:web-20261126-050102-000000', which has ':' in it"));
  CHECK_THAT(ami_mistake("      name: " + std::string(110, 'x') + "{{ imagebuilder:buildDate }}\n"),
             ContainsSubstring("has 134 characters, and 128 at most are taken"));
  CHECK_THAT(ami_mistake("      amiTags: {a: '{{ oh }}'}\n"),
             ContainsSubstring("there is no placeholder {{ oh }}"));
  CHECK_THAT(ami_mistake("      description: " + std::string(256, 'x') + "\n"),
             ContainsSubstring("'description' of a distribution has more than 255 characters"));
}

TEST_CASE("who else gets a distributed image") {
  CHECK_THAT(ami_mistake("      targetAccountIds: [123456789012, 123456789012]\n"),
             ContainsSubstring("the account 123456789012 is in 'targetAccountIds' twice"));
  CHECK_THAT(ami_mistake("      launchPermission: {userIds: [me]}\n"),
             ContainsSubstring("'me' of 'userIds' is no account"));
  CHECK_THAT(ami_mistake("      launchPermission: {userGroups: [everybody]}\n"),
             ContainsSubstring("there is no group 'everybody' | the only one is: all"));
  CHECK_THAT(
      ami_mistake("      launchPermission: {organizationArns: [o-0123456789]}\n"),
      ContainsSubstring("'o-0123456789' of 'organizationArns' is no ARN of that kind | write "
                        "arn:aws:organizations::ACCOUNT:organization/o-ID"));
  CHECK_THAT(ami_mistake("      launchPermission: {organizationalUnitArns: "
                         "[arn:aws:organizations::123456789012:organization/o-0123456789]}\n"),
             ContainsSubstring("is no ARN of that kind"));
}

TEST_CASE("an encryption that keeps an image from being shared") {
  CHECK_THAT(ami_mistake("      kmsKeyId: arn:aws:kms:us-east-1:123456789012:key/1\n"),
             ContainsSubstring("the key is in us-east-1, and the region of the distribution is "
                               "eu-west-1 | take a key of the region"));
  CHECK_THAT(ami_mistake("      kmsKeyId: arn:aws:iam::123456789012:role/a\n"),
             ContainsSubstring("is no ARN of a key"));
  CHECK_THAT(ami_mistake("      kmsKeyId: alias/aws/ebs\n      targetAccountIds: [123456789012]\n"),
             ContainsSubstring("encrypted with AWS' own key cannot be shared"));
  CHECK_THAT(
      ami_mistake("      kmsKeyId: alias/web\n      launchPermission: {userGroups: [all]}\n"),
      ContainsSubstring("an image that is encrypted cannot be public"));
}

TEST_CASE("launch templates and parameters of distributions") {
  const std::string templates = "    launchTemplateConfigurations:\n";
  CHECK_THAT(mistake(templates + "      - {launchTemplateId: web}\n"),
             ContainsSubstring("6:28 invalid-value: 'web' is no id of a launch template"));
  CHECK_THAT(
      mistake(templates + "      - {launchTemplateId: lt-1}\n      - {launchTemplateId: lt-1}\n"),
      ContainsSubstring("7:9 duplicate-name: the launch template lt-1 is there twice"));
  CHECK_THAT(mistake(templates + "      - {launchTemplateId: lt-1, accountId: 1}\n"),
             ContainsSubstring("'1' of 'accountId' is no account"));
  const std::string parameters = "    ssmParameterConfigurations:\n";
  CHECK_THAT(mistake(parameters + "      - {parameterName: a b}\n"),
             ContainsSubstring("6:25 invalid-value: 'a b' cannot name a parameter"));
  CHECK_THAT(mistake(parameters + "      - {parameterName: a/b}\n"),
             ContainsSubstring("does not begin with / | write /a/b"));
  CHECK_THAT(mistake(parameters + "      - {parameterName: /aws/b}\n"),
             ContainsSubstring("begins with a word that is AWS' own"));
  CHECK_THAT(mistake(parameters + "      - {parameterName: /a, dataType: image}\n"),
             ContainsSubstring("write one of: text, aws:ec2:image"));
  CHECK_THAT(mistake(parameters + "      - {parameterName: /a}\n      - {parameterName: /a}\n"),
             ContainsSubstring("the parameter /a is there twice"));
}

TEST_CASE("when a distributed image becomes deprecated") {
  CHECK_THAT(mistake("    deprecateAfter: 3 days\n    deprecateAt: 2027-01-31\n"),
             ContainsSubstring("are both there | leave one of them out"));
  CHECK_THAT(
      mistake("    deprecateAt: 2027-13-01\n"),
      ContainsSubstring("'deprecateAt' of a distribution is no time: 2027-13-01 | write it as "
                        "2027-01-31, or 2027-01-31T12:00:00Z"));
  CHECK_THAT(mistake("    deprecateAt: tomorrow\n"), ContainsSubstring("is no time: tomorrow"));
  CHECK_THAT(mistake("    deregistrationProtection: true\n"),
             ContainsSubstring("write one of: enabled-without-cooldown, enabled-with-cooldown"));
  CHECK_THAT(mistake("    role: arn:aws:iam::123456789012:role/a\n"),
             ContainsSubstring("write its name, not its ARN"));

  constexpr UnixMillis built = 1'801'389'600'000;  // 2027-01-31T10:00:00Z
  const auto after = [&](const std::string& span) {
    Distribution distribution;
    distribution.deprecate_after = span;
    const auto time = deprecation_time(distribution, built);
    return time ? rfc3339_utc(*time) : "none";
  };
  CHECK(after("1 day") == "2027-02-01T10:00:00Z");
  CHECK(after("2 weeks") == "2027-02-14T10:00:00Z");
  CHECK(after("1 month") == "2027-02-28T10:00:00Z");  // the day that February has
  CHECK(after("1Years") == "2028-01-31T10:00:00Z");
  CHECK(after("0 days") == "none");
  CHECK(after("days") == "none");
  CHECK(after("9 lives") == "none");
  CHECK(after("") == "none");
  Distribution fixed;
  fixed.deprecate_at = "2027-01-31";
  CHECK(deprecation_time(fixed, 0) == built - 10 * 3600 * 1000);
}
