#include "runner/aws/ec2_images.hpp"

#include "runner/aws/ec2_snapshots.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::aws::ec2;
using namespace toehold::test;

namespace {

const char* const image_item = R"(
  <item>
    <imageId>ami-1</imageId><imageLocation>1/web</imageLocation><imageState>available</imageState>
    <imageOwnerId>123456789012</imageOwnerId><creationDate>2026-11-26T05:01:02.000Z</creationDate>
    <isPublic>true</isPublic><architecture>arm64</architecture><imageType>machine</imageType>
    <name>web</name><description>a web server</description>
    <rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>
    <blockDeviceMapping>
      <item><deviceName>/dev/xvda</deviceName>
        <ebs><snapshotId>snap-1</snapshotId><volumeSize>8</volumeSize>
          <deleteOnTermination>true</deleteOnTermination><volumeType>gp3</volumeType>
          <iops>3000</iops><throughput>125</throughput><encrypted>false</encrypted></ebs></item>
      <item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item>
      <item><deviceName>/dev/sdc</deviceName><noDevice/></item>
    </blockDeviceMapping>
    <virtualizationType>hvm</virtualizationType><bootMode>uefi</bootMode>
    <imdsSupport>v2.0</imdsSupport><platformDetails>Linux/UNIX</platformDetails>
    <deprecationTime>2027-11-26T05:01:00.000Z</deprecationTime>
    <deregistrationProtection>disabled</deregistrationProtection>
    <sourceImageId>ami-0</sourceImageId>
    <tagSet><item><key>a</key><value>b</value></item></tagSet>
  </item>)";

}  // namespace

TEST_CASE("an image is read with its devices") {
  Ec2Harness ec2;
  ec2.answer("DescribeImages", "<imagesSet>" + std::string(image_item) + "</imagesSet>");
  const Image image = describe_images(ec2.region, {"ami-1"}, {}).require().at(0);
  CHECK(ec2.form(0) == "Action=DescribeImages\nImageId.1=ami-1\n");
  CHECK(image.id == "ami-1");
  CHECK(image.name == "web");
  CHECK(image.owner_id == "123456789012");
  CHECK(image.state == "available");
  CHECK(image.created == 1795669262000);
  CHECK(image.architecture == "arm64");
  CHECK(image.root_device_name == "/dev/xvda");
  CHECK(image.boot_mode == "uefi");
  CHECK(image.imds_support == "v2.0");
  CHECK(image.platform == "Linux/UNIX");
  CHECK(image.deprecated == 1827205260000);
  CHECK(image.deregistration_protection == "disabled");
  CHECK(image.source_image_id == "ami-0");
  CHECK(image.is_public);
  CHECK(image.tags == Tags{{"a", "b"}});
  CHECK(image.snapshot_ids() == std::vector<std::string>{"snap-1"});
  REQUIRE(image.block_devices.size() == 3);
  const Ebs& ebs = *image.block_devices[0].ebs;
  CHECK(ebs.volume_size == 8);
  CHECK(ebs.volume_type == "gp3");
  CHECK(ebs.encrypted == false);
  CHECK(ebs.delete_on_termination == true);
  CHECK(image.block_devices[1].virtual_name == "ephemeral0");
  CHECK(image.block_devices[2].no_device);
}

TEST_CASE("an image of little is read, too, and one that failed says why") {
  Ec2Harness ec2;
  ec2.answer("DescribeImages",
             "<imagesSet><item><imageId>ami-2</imageId><imageState>failed</imageState><stateReason>"
             "<code>Client.InternalError</code><message>no key</message></stateReason></item>"
             "</imagesSet>");
  const Image image = describe_images(ec2.region, {"ami-2"}, {}).require().at(0);
  CHECK(image.state_reason.code == "Client.InternalError");
  CHECK(image.state_reason.message == "no key");
  CHECK(image.snapshot_ids().empty());
  CHECK_FALSE(image.deprecated);
}

TEST_CASE("images are found by owner and filters") {
  Ec2Harness ec2;
  ec2.answer("DescribeImages", "<imagesSet/>");
  CHECK(find_images(ec2.region, {"amazon"}, {{"name", {"al2023-*"}}}, {}).require().empty());
  CHECK(ec2.form(0) ==
        "Action=DescribeImages\nFilter.1.Name=name\nFilter.1.Value.1=al2023-*\n"
        "IncludeDeprecated=true\nMaxResults=500\nOwner.1=amazon\n");
  ec2.fail("InvalidAMIID.NotFound");
  const auto gone = describe_images(ec2.region, {"ami-9"}, {});
  REQUIRE(gone.failure);
  CHECK(is_not_found(*gone.failure));
}

TEST_CASE("an image is made of an instance") {
  Ec2Harness ec2;
  ec2.answer("CreateImage", "<imageId>ami-1</imageId>");
  CreateImageRequest request{"i-1", "web", "a server", {{"a", "b"}}, {{"c", "d"}}};
  CHECK(create_image(ec2.region, request, {}).require() == "ami-1");
  CHECK(ec2.form(0) ==
        "Action=CreateImage\nDescription=a server\nInstanceId=i-1\nName=web\nNoReboot=false\n"
        "TagSpecification.1.ResourceType=image\nTagSpecification.1.Tag.1.Key=a\n"
        "TagSpecification.1.Tag.1.Value=b\nTagSpecification.2.ResourceType=snapshot\n"
        "TagSpecification.2.Tag.1.Key=c\nTagSpecification.2.Tag.1.Value=d\n");
  // Its name is what makes it one: a call that is repeated says so.
  ec2.http.add_drop();
  ec2.fail("InvalidAMIName.Duplicate");
  const auto again = create_image(ec2.region, request, {});
  REQUIRE(again.failure);
  CHECK(is_duplicate(*again.failure));
  ec2.answer("CreateImage", "");
  CHECK(ClientHarness::refusal([&] { (void)create_image(ec2.region, request, {}); }) ==
        "EC2 CreateImage on web from i-1: the answer has no imageId | ");
}

TEST_CASE("an image is copied") {
  Ec2Harness ec2;
  ec2.answer("CopyImage", "<imageId>ami-2</imageId>");
  CopyImageRequest request;
  request.source_region = "eu-west-1";
  request.source_image_id = "ami-1";
  request.name = "web";
  request.client_token = "token";
  request.encrypted = true;
  request.kms_key_id = "alias/k";
  request.image_tags = {{"a", "b"}};
  CHECK(copy_image({ec2.client, "us-west-2"}, request, {}).require() == "ami-2");
  CHECK(ec2.form(0) ==
        "Action=CopyImage\nClientToken=token\nEncrypted=true\nKmsKeyId=alias/k\nName=web\n"
        "SourceImageId=ami-1\nSourceRegion=eu-west-1\nTagSpecification.1.ResourceType=image\n"
        "TagSpecification.1.Tag.1.Key=a\nTagSpecification.1.Tag.1.Value=b\n");
  request.client_token.clear();
  ec2.http.add_drop();
  CHECK(copy_image(ec2.region, request, {}).failure);
  CHECK(ec2.http.requests().size() == 2);
}

TEST_CASE("who may launch an image is read and changed") {
  Ec2Harness ec2;
  ec2.answer("DescribeImageAttribute",
             "<imageId>ami-1</imageId><launchPermission><item><userId>1</userId></item><item>"
             "<group>all</group></item><item><organizationArn>o</organizationArn></item><item>"
             "<organizationalUnitArn>ou</organizationalUnitArn></item></launchPermission>");
  const LaunchPermission now = launch_permission(ec2.region, "ami-1", {}).require();
  CHECK(ec2.form(0) ==
        "Action=DescribeImageAttribute\nAttribute=launchPermission\nImageId=ami-1\n");
  CHECK(now.user_ids == std::vector<std::string>{"1"});
  CHECK(now.groups == std::vector<std::string>{"all"});
  CHECK(now.organization_arns == std::vector<std::string>{"o"});
  CHECK(now.organizational_unit_arns == std::vector<std::string>{"ou"});

  ec2.done("ModifyImageAttribute");
  CHECK(modify_launch_permission(ec2.region, "ami-1", {{"1", "2"}, {}, {"o"}, {"ou"}},
                                 {{}, {"all"}, {}, {}}, {})
            .ok());
  CHECK(ec2.form(1) ==
        "Action=ModifyImageAttribute\nImageId=ami-1\nLaunchPermission.Add.1.UserId=1\n"
        "LaunchPermission.Add.2.UserId=2\nLaunchPermission.Add.3.OrganizationArn=o\n"
        "LaunchPermission.Add.4.OrganizationalUnitArn=ou\nLaunchPermission.Remove.1.Group=all\n");
  CHECK(modify_launch_permission(ec2.region, "ami-1", {}, {}, {}).ok());
  CHECK(ec2.http.requests().size() == 2);
}

TEST_CASE("an image is dated, protected and removed") {
  Ec2Harness ec2;
  for (const char* operation : {"EnableImageDeprecation", "EnableImageDeregistrationProtection",
                                "DisableImageDeregistrationProtection", "DeregisterImage"}) {
    ec2.done(operation);
  }
  CHECK(enable_image_deprecation(ec2.region, "ami-1", 1827205260000, {}).ok());
  CHECK(enable_image_deregistration_protection(ec2.region, "ami-1", true, {}).ok());
  CHECK(disable_image_deregistration_protection(ec2.region, "ami-1", {}).ok());
  CHECK(deregister_image(ec2.region, "ami-1", {}).ok());
  CHECK(ec2.form(0) ==
        "Action=EnableImageDeprecation\nDeprecateAt=2027-11-26T05:01:00Z\nImageId=ami-1\n");
  CHECK(ec2.form(1) ==
        "Action=EnableImageDeregistrationProtection\nImageId=ami-1\nWithCooldown=true\n");
  CHECK(ec2.form(2) == "Action=DisableImageDeregistrationProtection\nImageId=ami-1\n");
  CHECK(ec2.form(3) == "Action=DeregisterImage\nImageId=ami-1\n");
}

TEST_CASE("snapshots are read while they come, and removed") {
  Ec2Harness ec2;
  ec2.answer("DescribeSnapshots", R"(<snapshotSet>
      <item><snapshotId>snap-1</snapshotId><volumeId>vol-1</volumeId><status>pending</status>
        <progress>45%</progress><ownerId>1</ownerId><volumeSize>8</volumeSize>
        <encrypted>true</encrypted><kmsKeyId>k</kmsKeyId></item>
      <item><snapshotId>snap-2</snapshotId><status>error</status><progress/>
        <statusMessage>Given key ID is not accessible</statusMessage></item></snapshotSet>)");
  const auto found = describe_snapshots(ec2.region, {"snap-1", "snap-2"}, {}).require();
  REQUIRE(found.size() == 2);
  CHECK(found[0].state == "pending");
  CHECK(found[0].progress == 45);
  CHECK(found[0].volume_size == 8);
  CHECK(found[0].encrypted);
  CHECK(found[0].kms_key_id == "k");
  CHECK(found[1].progress == 0);
  CHECK(found[1].status_message == "Given key ID is not accessible");
  ec2.answer("DescribeSnapshots", "<snapshotSet/>");
  CHECK(find_snapshots(ec2.region, tag_filters({{"a", "b"}}), {}).require().empty());
  CHECK(ec2.form(1) ==
        "Action=DescribeSnapshots\nFilter.1.Name=tag:a\nFilter.1.Value.1=b\nMaxResults=500\n"
        "Owner.1=self\n");
  ec2.fail("InvalidSnapshot.InUse");
  const auto refused = delete_snapshot(ec2.region, "snap-1", {});
  REQUIRE(refused.failure);
  CHECK(is_dependency_violation(*refused.failure));
  CHECK(ec2.form(2) == "Action=DeleteSnapshot\nSnapshotId=snap-1\n");
}
