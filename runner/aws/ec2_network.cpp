#include "runner/aws/ec2_network.hpp"

#include "runner/aws/ec2_wire.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/base64.hpp"

namespace toehold::aws::ec2 {

namespace {

constexpr int page_size = 500;

Result<Value::List> find(const Region& region, const std::string& operation, const Filters& filters,
                         std::string_view list, const Control& control) {
  const Value parameters =
      Value::object({{"Filter", filters_of(filters)}, {"MaxResults", page_size}});
  return all_pages(region, operation, parameters, list, control);
}

Subnet read_subnet(const Value& item) {
  Subnet subnet;
  subnet.id = text(item, "subnetId");
  subnet.vpc_id = text(item, "vpcId");
  subnet.zone = text(item, "availabilityZone");
  subnet.state = text(item, "state");
  subnet.cidr = text(item, "cidrBlock");
  subnet.free_addresses = number(item, "availableIpAddressCount").value_or(0);
  subnet.public_addresses = flag(item, "mapPublicIpOnLaunch");
  subnet.is_default = flag(item, "defaultForAz");
  subnet.tags = tags(item);
  return subnet;
}

Vpc read_vpc(const Value& item) {
  return {text(item, "vpcId"), text(item, "state"), text(item, "cidrBlock"),
          flag(item, "isDefault"), tags(item)};
}

SecurityGroup read_group(const Value& item) {
  return {text(item, "groupId"), text(item, "groupName"), text(item, "groupDescription"),
          text(item, "vpcId"), tags(item)};
}

KeyPair read_key_pair(const Value& item) {
  return {text(item, "keyPairId"), text(item, "keyName"), text(item, "keyType"),
          text(item, "keyFingerprint"), tags(item)};
}

InstanceType read_type(const Value& item) {
  InstanceType type;
  type.name = text(item, "instanceType");
  if (const Value* processor = item.find("processorInfo")) {
    type.architectures = texts(*processor, "supportedArchitectures");
  }
  type.boot_modes = texts(item, "supportedBootModes");
  type.usage_classes = texts(item, "supportedUsageClasses");
  type.hypervisor = text(item, "hypervisor");
  if (const Value* cpus = item.find("vCpuInfo")) {
    type.cpus = number(*cpus, "defaultVCpus").value_or(0);
  }
  if (const Value* memory = item.find("memoryInfo")) {
    type.memory_mib = number(*memory, "sizeInMiB").value_or(0);
  }
  return type;
}

}  // namespace

Result<std::vector<Subnet>> find_subnets(const Region& region, const Filters& filters,
                                         const Control& control) {
  return read_all(find(region, "DescribeSubnets", filters, "subnetSet", control), read_subnet);
}

Result<std::vector<Vpc>> find_vpcs(const Region& region, const Filters& filters,
                                   const Control& control) {
  return read_all(find(region, "DescribeVpcs", filters, "vpcSet", control), read_vpc);
}

Result<std::optional<Vpc>> default_vpc(const Region& region, const Control& control) {
  return find_vpcs(region, {{"is-default", {"true"}}}, control)
      .then([](const std::vector<Vpc>& found) {
        return found.empty() ? std::nullopt : std::optional(found.front());
      });
}

Result<std::vector<SecurityGroup>> find_security_groups(const Region& region,
                                                        const Filters& filters,
                                                        const Control& control) {
  return read_all(find(region, "DescribeSecurityGroups", filters, "securityGroupInfo", control),
                  read_group);
}

Result<std::string> create_security_group(const Region& region, const std::string& name,
                                          const std::string& description, const std::string& vpc_id,
                                          const Tags& tags, const Control& control) {
  const Value parameters =
      Value::object({{"GroupName", name},
                     {"GroupDescription", description},
                     {"VpcId", said(vpc_id)},
                     {"TagSpecification", tag_specifications({{"security-group", tags}})}});
  const Call call = ec2_call(region, "CreateSecurityGroup", parameters, "security group " + name);
  return send(region, call, control).then([&](const Value& answer) {
    return required_text(call, answer, {"groupId"});
  });
}

Result<Done> authorize_ingress(const Region& region, const std::string& group_id,
                               const Ingress& ingress, const Tags& tags, const Control& control) {
  const bool is_v6 = ingress.cidr.find(':') != std::string::npos;
  const Value range = Value::object(
      {{is_v6 ? "CidrIpv6" : "CidrIp", ingress.cidr}, {"Description", said(ingress.description)}});
  const Value permission =
      Value::object({{"IpProtocol", "tcp"},
                     {"FromPort", ingress.port},
                     {"ToPort", ingress.port},
                     {is_v6 ? "Ipv6Ranges" : "IpRanges", Value(Value::List{range})}});
  const Value parameters =
      Value::object({{"GroupId", group_id},
                     {"IpPermissions", Value(Value::List{permission})},
                     {"TagSpecification", tag_specifications({{"security-group-rule", tags}})}});
  auto done = do_call(
      region, ec2_call(region, "AuthorizeSecurityGroupIngress", parameters, group_id), control);
  if (done.failure && is_duplicate(*done.failure)) return {Done{}, {}, {}};
  return done;
}

Result<Done> delete_security_group(const Region& region, const std::string& group_id,
                                   const Control& control) {
  const Value parameters = Value::object({{"GroupId", group_id}});
  return do_call(region, ec2_call(region, "DeleteSecurityGroup", parameters, group_id), control);
}

Result<std::string> import_key_pair(const Region& region, const std::string& name,
                                    const std::string& public_key, const Tags& tags,
                                    const Control& control) {
  const Value parameters =
      Value::object({{"KeyName", name},
                     {"PublicKeyMaterial", base64_encode(public_key)},
                     {"TagSpecification", tag_specifications({{"key-pair", tags}})}});
  const Call call = ec2_call(region, "ImportKeyPair", parameters, "key pair " + name);
  return send(region, call, control).then([&](const Value& answer) {
    return required_text(call, answer, {"keyPairId"});
  });
}

Result<std::vector<KeyPair>> find_key_pairs(const Region& region, const Filters& filters,
                                            const Control& control) {
  const Value parameters = Value::object({{"Filter", filters_of(filters)}});
  return read_all(all_pages(region, "DescribeKeyPairs", parameters, "keySet", control),
                  read_key_pair);
}

Result<Done> delete_key_pair(const Region& region, const std::string& id, const Control& control) {
  const Value parameters = Value::object({{"KeyPairId", id}});
  auto done = do_call(region, ec2_call(region, "DeleteKeyPair", parameters, id), control);
  if (done.failure && is_not_found(*done.failure)) return {Done{}, {}, {}};
  return done;
}

Result<std::vector<TypeOffering>> find_type_offerings(const Region& region,
                                                      const std::vector<std::string>& types,
                                                      const Control& control) {
  const Value parameters = Value::object({{"LocationType", "availability-zone"},
                                          {"Filter", filters_of({{"instance-type", types}})},
                                          {"MaxResults", page_size}});
  return read_all(all_pages(region, "DescribeInstanceTypeOfferings", parameters,
                            "instanceTypeOfferingSet", control),
                  [](const Value& item) {
                    return TypeOffering{text(item, "instanceType"), text(item, "location")};
                  });
}

Result<std::vector<InstanceType>> describe_instance_types(const Region& region,
                                                          const std::vector<std::string>& types,
                                                          const Control& control) {
  return read_all(
      all_of(region, "DescribeInstanceTypes", "InstanceType", types, "instanceTypeSet", control),
      read_type);
}

}  // namespace toehold::aws::ec2
