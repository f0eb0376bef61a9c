#include "runner/aws/ec2_instances.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::aws::ec2;
using namespace toehold::test;

namespace {

const char* const running = R"(
  <item>
    <instanceId>i-0a1</instanceId><imageId>ami-1</imageId>
    <instanceState><code>16</code><name>running</name></instanceState>
    <privateDnsName>ip-10-0-0-5.ec2.internal</privateDnsName><dnsName/>
    <reason/><keyName>k</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/>
    <instanceType>c7i.large</instanceType><launchTime>2026-11-26T05:01:02.000Z</launchTime>
    <placement><availabilityZone>eu-west-1a</availabilityZone><groupName/></placement>
    <monitoring><state>disabled</state></monitoring>
    <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
    <privateIpAddress>10.0.0.5</privateIpAddress><ipAddress>54.1.2.3</ipAddress>
    <architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>
    <rootDeviceName>/dev/xvda</rootDeviceName>
    <blockDeviceMapping>
      <item><deviceName>/dev/xvda</deviceName>
        <ebs><volumeId>vol-1</volumeId><status>attached</status></ebs></item>
      <item><deviceName>/dev/sdb</deviceName><ebs><volumeId>vol-2</volumeId></ebs></item>
    </blockDeviceMapping>
    <instanceLifecycle>spot</instanceLifecycle><clientToken>token</clientToken>
    <tagSet><item><key>Name</key><value>web &amp; co</value></item>
            <item><key>empty</key><value/></item></tagSet>
    <somethingNew><item>1</item></somethingNew>
  </item>)";

std::string reservations(const std::string& instances) {
  return "<reservationSet><item><reservationId>r-1</reservationId><instancesSet>" + instances +
         "</instancesSet></item></reservationSet>";
}

LaunchRequest whole_request() {
  LaunchRequest request;
  request.image_id = "ami-1";
  request.instance_type = "c7i.large";
  request.subnet_id = "subnet-1";
  request.security_group_ids = {"sg-1", "sg-2"};
  request.client_token = "token";
  request.instance_profile = "builder";
  request.user_data = "#!/bin/sh\n";
  BlockDevice root;
  root.device_name = "/dev/xvda";
  root.ebs = Ebs{true, true, 3000, "key", "snap-1", 20, "gp3", 125};
  BlockDevice hidden;
  hidden.device_name = "/dev/sdb";
  hidden.no_device = true;
  request.block_devices = {root, hidden};
  request.metadata = {"required", 2, true};
  request.key_name = "k";
  request.placement = {"eu-west-1a", "host", "h-1", "arn:group"};
  request.tags = {{"Name", "n"}};
  return request;
}

}  // namespace

TEST_CASE("an instance is launched with all that was asked for") {
  Ec2Harness ec2;
  ec2.answer("RunInstances",
             "<instancesSet>" + std::string(running) + "</instancesSet><ownerId>1</ownerId>");
  const Instance made = run_instance(ec2.region, whole_request(), {}).require();
  CHECK(made.id == "i-0a1");
  CHECK(ec2.form(0) ==
        "Action=RunInstances\n"
        "BlockDeviceMapping.1.DeviceName=/dev/xvda\n"
        "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true\n"
        "BlockDeviceMapping.1.Ebs.Encrypted=true\n"
        "BlockDeviceMapping.1.Ebs.Iops=3000\n"
        "BlockDeviceMapping.1.Ebs.KmsKeyId=key\n"
        "BlockDeviceMapping.1.Ebs.SnapshotId=snap-1\n"
        "BlockDeviceMapping.1.Ebs.Throughput=125\n"
        "BlockDeviceMapping.1.Ebs.VolumeSize=20\n"
        "BlockDeviceMapping.1.Ebs.VolumeType=gp3\n"
        "BlockDeviceMapping.2.DeviceName=/dev/sdb\n"
        "BlockDeviceMapping.2.NoDevice=\n"
        "ClientToken=token\n"
        "IamInstanceProfile.Name=builder\n"
        "ImageId=ami-1\n"
        "InstanceInitiatedShutdownBehavior=terminate\n"
        "InstanceType=c7i.large\n"
        "KeyName=k\n"
        "MaxCount=1\n"
        "MetadataOptions.HttpPutResponseHopLimit=2\n"
        "MetadataOptions.HttpTokens=required\n"
        "MetadataOptions.InstanceMetadataTags=enabled\n"
        "MinCount=1\n"
        "Placement.AvailabilityZone=eu-west-1a\n"
        "Placement.HostId=h-1\n"
        "Placement.HostResourceGroupArn=arn:group\n"
        "Placement.Tenancy=host\n"
        "SecurityGroupId.1=sg-1\n"
        "SecurityGroupId.2=sg-2\n"
        "SubnetId=subnet-1\n"
        "TagSpecification.1.ResourceType=instance\n"
        "TagSpecification.1.Tag.1.Key=Name\n"
        "TagSpecification.1.Tag.1.Value=n\n"
        "TagSpecification.2.ResourceType=volume\n"
        "TagSpecification.2.Tag.1.Key=Name\n"
        "TagSpecification.2.Tag.1.Value=n\n"
        "TagSpecification.3.ResourceType=network-interface\n"
        "TagSpecification.3.Tag.1.Key=Name\n"
        "TagSpecification.3.Tag.1.Value=n\n"
        "UserData=IyEvYmluL3NoCg==\n");
}

TEST_CASE("a spot instance with an address of its own") {
  Ec2Harness ec2;
  ec2.answer("RunInstances", "<instancesSet>" + std::string(running) + "</instancesSet>");
  LaunchRequest request;
  request.image_id = "ami-1";
  request.instance_type = "t3.micro";
  request.subnet_id = "subnet-1";
  request.security_group_ids = {"sg-1"};
  request.instance_profile = "arn:aws:iam::1:instance-profile/p";
  request.spot = true;
  request.public_address = true;
  request.tags = {{"a", "b"}};
  (void)run_instance(ec2.region, request, {}).require();
  const std::string form = ec2.form(0);
  CHECK_THAT(form, ContainsSubstring("IamInstanceProfile.Arn=arn:aws:iam::1:instance-profile/p\n"));
  CHECK_THAT(form, ContainsSubstring(
                       "InstanceMarketOptions.MarketType=spot\n"
                       "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior=terminate\n"
                       "InstanceMarketOptions.SpotOptions.SpotInstanceType=one-time\n"));
  CHECK_THAT(form, ContainsSubstring("NetworkInterface.1.AssociatePublicIpAddress=true\n"
                                     "NetworkInterface.1.DeleteOnTermination=true\n"
                                     "NetworkInterface.1.DeviceIndex=0\n"
                                     "NetworkInterface.1.SecurityGroupId.1=sg-1\n"
                                     "NetworkInterface.1.SubnetId=subnet-1\n"));
  CHECK_THAT(form, !ContainsSubstring("\nSubnetId") && !ContainsSubstring("\nSecurityGroupId"));
  CHECK_THAT(form, ContainsSubstring("ResourceType=spot-instances-request\n"));
  CHECK_THAT(form, !ContainsSubstring("Placement") && !ContainsSubstring("MetadataOptions") &&
                       !ContainsSubstring("UserData"));
}

TEST_CASE("an instance is read, with what it says and what it leaves out") {
  Ec2Harness ec2;
  ec2.answer("DescribeInstances", reservations(running) + "<nextToken/>");
  const auto found = describe_instances(ec2.region, {"i-0a1"}, {}).require();
  REQUIRE(found.size() == 1);
  const Instance& instance = found[0];
  CHECK(instance.state == "running");
  CHECK(instance.image_id == "ami-1");
  CHECK(instance.type == "c7i.large");
  CHECK(instance.zone == "eu-west-1a");
  CHECK(instance.subnet_id == "subnet-1");
  CHECK(instance.vpc_id == "vpc-1");
  CHECK(instance.private_address == "10.0.0.5");
  CHECK(instance.public_address == "54.1.2.3");
  CHECK(instance.architecture == "x86_64");
  CHECK(instance.launched == 1795669262000);
  CHECK(instance.root_device_name == "/dev/xvda");
  CHECK(instance.volume_ids == std::vector<std::string>{"vol-1", "vol-2"});
  CHECK(instance.lifecycle == "spot");
  CHECK(instance.client_token == "token");
  CHECK(instance.tags == Tags{{"Name", "web & co"}, {"empty", ""}});
  CHECK(ec2.form(0) == "Action=DescribeInstances\nInstanceId.1=i-0a1\n");

  ec2.answer("DescribeInstances", reservations(R"(<item><instanceId>i-2</instanceId>
      <instanceState><name>terminated</name></instanceState>
      <reason>Server.SpotInstanceTermination</reason>
      <stateReason><code>Server.SpotInstanceTermination</code><message>went</message></stateReason>
      </item>)"));
  const Instance bare = describe_instances(ec2.region, {"i-2"}, {}).require().at(0);
  CHECK(bare.state_reason.code == "Server.SpotInstanceTermination");
  CHECK(bare.state_reason.message == "went");
  CHECK(bare.state_transition_reason == "Server.SpotInstanceTermination");
  CHECK(bare.public_address.empty());
  CHECK_FALSE(bare.launched);
  CHECK(bare.tags.empty());
}

TEST_CASE("a launch without an id, or without a token, is not taken for done") {
  Ec2Harness ec2;
  ec2.answer("RunInstances", "<instancesSet/>");
  CHECK(ClientHarness::refusal([&] { (void)run_instance(ec2.region, whole_request(), {}); }) ==
        "EC2 RunInstances on c7i.large from ami-1: the answer has no instanceId | ");
  // With a token a lost answer is asked for again, without one it is the caller's to find out.
  ec2.http.add_drop();
  ec2.answer("RunInstances", "<instancesSet>" + std::string(running) + "</instancesSet>");
  CHECK(run_instance(ec2.region, whole_request(), {}).ok());
  LaunchRequest request = whole_request();
  request.client_token.clear();
  ec2.http.add_drop();
  const auto lost = run_instance(ec2.region, request, {});
  REQUIRE(lost.failure);
  CHECK(lost.failure->status == 0);
}

TEST_CASE("a lack of capacity is told at once though its status is 500") {
  Ec2Harness ec2;
  ec2.fail("InsufficientInstanceCapacity", "We currently do not have sufficient capacity", 500);
  const auto refused = run_instance(ec2.region, whole_request(), {});
  REQUIRE(refused.failure);
  CHECK(is_capacity(*refused.failure));
  CHECK(ec2.http.requests().size() == 1);
}

TEST_CASE("a dry run is all right, or says what is missing") {
  Ec2Harness ec2;
  ec2.fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
  CHECK(try_run_instance(ec2.region, whole_request(), {}).ok());
  CHECK_THAT(ec2.form(0), ContainsSubstring("\nDryRun=true\n"));
  ec2.fail("UnauthorizedOperation", "no", 403);
  const auto refused = try_run_instance(ec2.region, whole_request(), {});
  REQUIRE(refused.failure);
  CHECK(is_unauthorized(*refused.failure));
}

TEST_CASE("many instances are asked for in calls of a hundred") {
  Ec2Harness ec2;
  CHECK(describe_instances(ec2.region, {}, {}).require().empty());
  CHECK(ec2.http.requests().empty());
  std::vector<std::string> ids;
  for (int number = 1; number <= 201; ++number) ids.push_back("i-" + std::to_string(number));
  for (int call = 0; call < 3; ++call) ec2.answer("DescribeInstances", reservations(running));
  CHECK(describe_instances(ec2.region, ids, {}).require().size() == 3);
  CHECK(ec2.http.requests().size() == 3);
  CHECK_THAT(ec2.form(0),
             ContainsSubstring("InstanceId.100=i-100\n") && !ContainsSubstring("InstanceId.101"));
  CHECK(ec2.form(2) == "Action=DescribeInstances\nInstanceId.1=i-201\n");
}

TEST_CASE("an instance that is not known does not hide the others") {
  Ec2Harness ec2;
  ec2.fail("InvalidInstanceID.NotFound", "The instance ID 'i-2' does not exist");
  ec2.answer("DescribeInstances", reservations(running));
  CHECK(describe_instances(ec2.region, {"i-0a1", "i-2"}, {}).require().size() == 1);
  CHECK(ec2.form(1) ==
        "Action=DescribeInstances\nFilter.1.Name=instance-id\nFilter.1.Value.1=i-0a1\n"
        "Filter.1.Value.2=i-2\nMaxResults=500\n");
}

TEST_CASE("instances are stopped and terminated") {
  Ec2Harness ec2;
  ec2.answer("TerminateInstances", "<instancesSet/>");
  ec2.fail("IncorrectInstanceState");
  CHECK(terminate_instances(ec2.region, {"i-1", "i-2"}, {}).ok());
  const auto stopped = stop_instances(ec2.region, {"i-1"}, {});
  REQUIRE(stopped.failure);
  CHECK(is_wrong_state(*stopped.failure));
  CHECK(terminate_instances(ec2.region, {}, {}).ok());
  CHECK(ec2.form(0) == "Action=TerminateInstances\nInstanceId.1=i-1\nInstanceId.2=i-2\n");
  CHECK(ec2.form(1) == "Action=StopInstances\nInstanceId.1=i-1\n");
}

TEST_CASE("the console is read, the newest of it where there is such") {
  Ec2Harness ec2;
  ec2.answer("GetConsoleOutput", "<instanceId>i-1</instanceId><output>TGlu\ndXggNg==\n</output>");
  CHECK(console_output(ec2.region, "i-1", {}).require() == "Linux 6");
  CHECK(ec2.form(0) == "Action=GetConsoleOutput\nInstanceId=i-1\nLatest=true\n");
  ec2.fail("UnsupportedOperation");
  ec2.answer("GetConsoleOutput", "<instanceId>i-1</instanceId>");
  CHECK(console_output(ec2.region, "i-1", {}).require().empty());
  CHECK(ec2.form(2) == "Action=GetConsoleOutput\nInstanceId=i-1\n");
}
