#include "runner/aws/ec2_templates.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::aws::ec2;
using namespace toehold::test;

TEST_CASE("a launch template gets a version with another image, which becomes its default") {
  Ec2Harness ec2;
  ec2.answer("DescribeLaunchTemplates",
             "<launchTemplates><item><launchTemplateId>lt-1</launchTemplateId><launchTemplateName>"
             "web</launchTemplateName><defaultVersionNumber>1</defaultVersionNumber>"
             "<latestVersionNumber>3</latestVersionNumber></item></launchTemplates>");
  const LaunchTemplate found = describe_launch_templates(ec2.region, {"lt-1"}, {}).require().at(0);
  CHECK(found.name == "web");
  CHECK(found.default_version == 1);
  CHECK(found.latest_version == 3);

  ec2.answer("CreateLaunchTemplateVersion",
             "<launchTemplateVersion><launchTemplateId>lt-1</launchTemplateId><versionNumber>4"
             "</versionNumber><defaultVersion>false</defaultVersion><versionDescription>d"
             "</versionDescription><launchTemplateData><imageId>ami-1</imageId>"
             "</launchTemplateData></launchTemplateVersion>");
  const auto made =
      create_launch_template_version(ec2.region, {"lt-1", "$Latest", "ami-1", "d", "token"}, {})
          .require();
  CHECK(made.number == 4);
  CHECK(made.image_id == "ami-1");
  CHECK_FALSE(made.is_default);
  CHECK(ec2.form(1) ==
        "Action=CreateLaunchTemplateVersion\nClientToken=token\nLaunchTemplateData.ImageId=ami-1\n"
        "LaunchTemplateId=lt-1\nSourceVersion=$Latest\nVersionDescription=d\n");
  ec2.answer("ModifyLaunchTemplate", "");
  CHECK(set_default_version(ec2.region, "lt-1", 4, {}).ok());
  CHECK(ec2.form(2) == "Action=ModifyLaunchTemplate\nLaunchTemplateId=lt-1\nSetDefaultVersion=4\n");
}

TEST_CASE("versions of a launch template, and one that is not there") {
  Ec2Harness ec2;
  ec2.answer("DescribeLaunchTemplateVersions",
             "<launchTemplateVersionSet><item><versionNumber>1</versionNumber><defaultVersion>true"
             "</defaultVersion><createTime>2026-11-26T05:01:02.000Z</createTime></item>"
             "</launchTemplateVersionSet>");
  const auto found =
      describe_launch_template_versions(ec2.region, "lt-1", {"$Default"}, {}).require();
  CHECK(found.at(0).is_default);
  CHECK(found.at(0).created == 1795669262000);
  CHECK(ec2.form(0) ==
        "Action=DescribeLaunchTemplateVersions\nLaunchTemplateId=lt-1\n"
        "LaunchTemplateVersion.1=$Default\n");
  ec2.fail("InvalidLaunchTemplateId.NotFound");
  const auto gone = describe_launch_templates(ec2.region, {"lt-2"}, {});
  REQUIRE(gone.failure);
  CHECK(is_not_found(*gone.failure));
  ec2.answer("CreateLaunchTemplateVersion", "");
  CHECK(ClientHarness::refusal([&] {
          (void)create_launch_template_version(ec2.region, {"lt-1", "", "ami-1", "", ""}, {});
        }) == "EC2 CreateLaunchTemplateVersion on lt-1: the answer has no versionNumber | ");
}
