#include "runner/aws/ec2_network.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::aws::ec2;
using namespace toehold::test;

TEST_CASE("subnets and the default VPC are read") {
  Ec2Harness ec2;
  ec2.answer("DescribeSubnets", R"(<subnetSet><item><subnetId>subnet-1</subnetId>
      <state>available</state><vpcId>vpc-1</vpcId><cidrBlock>10.0.1.0/24</cidrBlock>
      <availableIpAddressCount>251</availableIpAddressCount>
      <availabilityZone>eu-west-1a</availabilityZone><defaultForAz>true</defaultForAz>
      <mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item></subnetSet>)");
  const Subnet subnet = find_subnets(ec2.region, {{"vpc-id", {"vpc-1"}}}, {}).require().at(0);
  CHECK(subnet.id == "subnet-1");
  CHECK(subnet.zone == "eu-west-1a");
  CHECK(subnet.free_addresses == 251);
  CHECK(subnet.public_addresses);
  CHECK(subnet.is_default);
  ec2.answer("DescribeVpcs",
             "<vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item></vpcSet>");
  const auto vpc = default_vpc(ec2.region, {}).require();
  REQUIRE(vpc);
  CHECK(vpc->id == "vpc-1");
  CHECK_THAT(ec2.form(1), ContainsSubstring("Filter.1.Name=is-default\nFilter.1.Value.1=true\n"));
  ec2.answer("DescribeVpcs", "<vpcSet/>");
  CHECK_FALSE(default_vpc(ec2.region, {}).require());
}

TEST_CASE("a security group is made, opened and removed") {
  Ec2Harness ec2;
  ec2.answer("CreateSecurityGroup", "<return>true</return><groupId>sg-1</groupId>");
  CHECK(
      create_security_group(ec2.region, "g", "for a build", "vpc-1", {{"a", "b"}}, {}).require() ==
      "sg-1");
  CHECK(ec2.form(0) ==
        "Action=CreateSecurityGroup\nGroupDescription=for a build\nGroupName=g\n"
        "TagSpecification.1.ResourceType=security-group\nTagSpecification.1.Tag.1.Key=a\n"
        "TagSpecification.1.Tag.1.Value=b\nVpcId=vpc-1\n");
  ec2.done("AuthorizeSecurityGroupIngress");
  CHECK(authorize_ingress(ec2.region, "sg-1", {"192.0.2.1/32", 22, "me"}, {}, {}).ok());
  CHECK(ec2.form(1) ==
        "Action=AuthorizeSecurityGroupIngress\nGroupId=sg-1\nIpPermissions.1.FromPort=22\n"
        "IpPermissions.1.IpProtocol=tcp\nIpPermissions.1.IpRanges.1.CidrIp=192.0.2.1/32\n"
        "IpPermissions.1.IpRanges.1.Description=me\nIpPermissions.1.ToPort=22\n");
  ec2.fail("InvalidPermission.Duplicate");
  CHECK(authorize_ingress(ec2.region, "sg-1", {"2001:db8::/32", 22, ""}, {}, {}).ok());
  CHECK_THAT(ec2.form(2),
             ContainsSubstring("IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001:db8::/32\n"));
  ec2.answer("DescribeSecurityGroups",
             "<securityGroupInfo><item><groupId>sg-1</groupId><groupName>g</groupName><vpcId>vpc-1"
             "</vpcId></item></securityGroupInfo>");
  CHECK(find_security_groups(ec2.region, {{"group-name", {"g"}}}, {}).require().at(0).id == "sg-1");
  ec2.fail("DependencyViolation");
  const auto refused = delete_security_group(ec2.region, "sg-1", {});
  REQUIRE(refused.failure);
  CHECK(is_dependency_violation(*refused.failure));
}

TEST_CASE("a key pair is imported, found and removed") {
  Ec2Harness ec2;
  ec2.answer("ImportKeyPair", "<keyName>k</keyName><keyPairId>key-1</keyPairId>");
  CHECK(import_key_pair(ec2.region, "k", "ssh-ed25519 A", {{"a", "b"}}, {}).require() == "key-1");
  CHECK(ec2.form(0) ==
        "Action=ImportKeyPair\nKeyName=k\nPublicKeyMaterial=c3NoLWVkMjU1MTkgQQ==\n"
        "TagSpecification.1.ResourceType=key-pair\nTagSpecification.1.Tag.1.Key=a\n"
        "TagSpecification.1.Tag.1.Value=b\n");
  ec2.answer("DescribeKeyPairs",
             "<keySet><item><keyPairId>key-1</keyPairId><keyName>k</keyName><keyType>ed25519"
             "</keyType></item></keySet>");
  CHECK(find_key_pairs(ec2.region, {{"key-name", {"k"}}}, {}).require().at(0).type == "ed25519");
  ec2.fail("InvalidKeyPair.NotFound");
  CHECK(delete_key_pair(ec2.region, "key-1", {}).ok());
  ec2.fail("UnauthorizedOperation", "no", 403);
  CHECK_FALSE(delete_key_pair(ec2.region, "key-1", {}).ok());
}

TEST_CASE("instance types: where they are and what they are") {
  Ec2Harness ec2;
  ec2.answer("DescribeInstanceTypeOfferings",
             "<instanceTypeOfferingSet><item><instanceType>c7i.large</instanceType><locationType>"
             "availability-zone</locationType><location>eu-west-1a</location></item>"
             "</instanceTypeOfferingSet>");
  const auto offered = find_type_offerings(ec2.region, {"c7i.large", "c6i.large"}, {}).require();
  CHECK(offered.at(0).zone == "eu-west-1a");
  CHECK(ec2.form(0) ==
        "Action=DescribeInstanceTypeOfferings\nFilter.1.Name=instance-type\n"
        "Filter.1.Value.1=c7i.large\nFilter.1.Value.2=c6i.large\nLocationType=availability-zone\n"
        "MaxResults=500\n");
  ec2.answer("DescribeInstanceTypes", R"(<instanceTypeSet><item>
      <instanceType>c7i.large</instanceType><hypervisor>nitro</hypervisor>
      <processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures>
      </processorInfo><supportedBootModes><item>legacy-bios</item><item>uefi</item>
      </supportedBootModes><supportedUsageClasses><item>on-demand</item><item>spot</item>
      </supportedUsageClasses><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo>
      <memoryInfo><sizeInMiB>4096</sizeInMiB></memoryInfo></item></instanceTypeSet>)");
  const InstanceType type = describe_instance_types(ec2.region, {"c7i.large"}, {}).require().at(0);
  CHECK(type.name == "c7i.large");
  CHECK(type.architectures == std::vector<std::string>{"x86_64"});
  CHECK(type.boot_modes == std::vector<std::string>{"legacy-bios", "uefi"});
  CHECK(type.usage_classes == std::vector<std::string>{"on-demand", "spot"});
  CHECK(type.hypervisor == "nitro");
  CHECK(type.cpus == 2);
  CHECK(type.memory_mib == 4096);
}
