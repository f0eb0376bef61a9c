#include "runner/aws/ec2_instances.hpp"

#include <algorithm>
#include <iterator>

#include "runner/aws/ec2_wire.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/base64.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws::ec2 {

namespace {

constexpr int page_size = 500;

Value block_devices_of(const std::vector<BlockDevice>& devices) {
  Value::List list;
  for (const BlockDevice& device : devices) {
    Value item = Value::object(
        {{"DeviceName", said(device.device_name)}, {"VirtualName", said(device.virtual_name)}});
    // The element is what counts; its text has no meaning.
    if (device.no_device) item.set("NoDevice", "");
    if (device.ebs) {
      const Ebs& ebs = *device.ebs;
      item.set("Ebs", Value::object({{"Encrypted", said(ebs.encrypted)},
                                     {"DeleteOnTermination", said(ebs.delete_on_termination)},
                                     {"Iops", said(ebs.iops)},
                                     {"KmsKeyId", said(ebs.kms_key_id)},
                                     {"SnapshotId", said(ebs.snapshot_id)},
                                     {"VolumeSize", said(ebs.volume_size)},
                                     {"VolumeType", said(ebs.volume_type)},
                                     {"Throughput", said(ebs.throughput)}}));
    }
    list.push_back(std::move(item));
  }
  return Value(std::move(list));
}

Value market_of(const LaunchRequest& request) {
  if (!request.spot) return {};
  return Value::object(
      {{"MarketType", "spot"},
       {"SpotOptions", Value::object({{"SpotInstanceType", "one-time"},
                                      {"InstanceInterruptionBehavior", "terminate"}})}});
}

/// Whether it gets a public address can only be said of a network interface, and then subnet and
/// groups, too, can only be said there.
void add_network(const LaunchRequest& request, Value& parameters) {
  const Value subnet = said(request.subnet_id);
  const Value groups = said(request.security_group_ids);
  if (!request.public_address) {
    parameters.set("SubnetId", subnet);
    parameters.set("SecurityGroupId", groups);
    return;
  }
  Value::List interfaces{Value::object({{"DeviceIndex", 0},
                                        {"AssociatePublicIpAddress", *request.public_address},
                                        {"DeleteOnTermination", true},
                                        {"SubnetId", subnet},
                                        {"SecurityGroupId", groups}})};
  parameters.set("NetworkInterface", Value(std::move(interfaces)));
}

Value profile_of(const LaunchRequest& request) {
  if (request.instance_profile.empty()) return {};
  const bool is_arn = request.instance_profile.starts_with("arn:");
  return Value::object({{is_arn ? "Arn" : "Name", request.instance_profile}});
}

Value metadata_of(const MetadataOptions& options) {
  Value tags;
  if (options.instance_tags) tags = *options.instance_tags ? "enabled" : "disabled";
  return Value::object({{"HttpTokens", said(options.http_tokens)},
                        {"HttpPutResponseHopLimit", said(options.hop_limit)},
                        {"InstanceMetadataTags", tags}});
}

Call run_call(const Region& region, const LaunchRequest& request, bool dry_run) {
  const Tags& tags = request.tags;
  Value parameters = Value::object(
      {{"ImageId", request.image_id},
       {"InstanceType", said(request.instance_type)},
       {"MinCount", 1},
       {"MaxCount", 1},
       {"ClientToken", said(request.client_token)},
       {"IamInstanceProfile", profile_of(request)},
       {"UserData", said(base64_encode(request.user_data))},
       {"BlockDeviceMapping", block_devices_of(request.block_devices)},
       {"MetadataOptions", metadata_of(request.metadata)},
       {"InstanceInitiatedShutdownBehavior", "terminate"},
       {"InstanceMarketOptions", market_of(request)},
       {"KeyName", said(request.key_name)},
       {"Placement",
        Value::object({{"AvailabilityZone", said(request.placement.zone)},
                       {"Tenancy", said(request.placement.tenancy)},
                       {"HostId", said(request.placement.host_id)},
                       {"HostResourceGroupArn", said(request.placement.host_resource_group_arn)}})},
       {"TagSpecification",
        tag_specifications({{"instance", tags},
                            {"volume", tags},
                            {"network-interface", tags},
                            {"spot-instances-request", request.spot ? tags : Tags()}})}});
  add_network(request, parameters);
  if (dry_run) parameters.set("DryRun", true);
  Call call = ec2_call(region, "RunInstances", parameters,
                       request.instance_type + " from " + request.image_id);
  call.repeatable = dry_run || !request.client_token.empty();
  return call;
}

Instance read_instance(const Value& item) {
  Instance instance;
  instance.id = text(item, "instanceId");
  instance.state = text_at(item, {"instanceState", "name"});
  instance.state_reason = reason(item, "stateReason");
  instance.state_transition_reason = text(item, "reason");
  instance.image_id = text(item, "imageId");
  instance.type = text(item, "instanceType");
  instance.zone = text_at(item, {"placement", "availabilityZone"});
  instance.subnet_id = text(item, "subnetId");
  instance.vpc_id = text(item, "vpcId");
  instance.private_address = text(item, "privateIpAddress");
  instance.public_address = text(item, "ipAddress");
  instance.architecture = text(item, "architecture");
  instance.launched = time(item, "launchTime");
  instance.root_device_name = text(item, "rootDeviceName");
  for (const Value& device : items(item, "blockDeviceMapping")) {
    std::string volume = text_at(device, {"ebs", "volumeId"});
    if (!volume.empty()) instance.volume_ids.push_back(std::move(volume));
  }
  instance.lifecycle = text(item, "instanceLifecycle");
  instance.key_name = text(item, "keyName");
  instance.client_token = text(item, "clientToken");
  instance.tags = tags(item);
  return instance;
}

Result<std::vector<Instance>> read_reservations(const Result<Value::List>& reservations) {
  return reservations.then([](const Value::List& list) {
    std::vector<Instance> all;
    for (const Value& reservation : list) {
      for (const Value& item : items(reservation, "instancesSet")) {
        all.push_back(read_instance(item));
      }
    }
    return all;
  });
}

Result<Done> change(const Region& region, const std::string& operation,
                    const std::vector<std::string>& ids, const Control& control) {
  if (ids.empty()) return {Done{}, {}, {}};
  const Value parameters = Value::object({{"InstanceId", said(ids)}});
  return do_call(region, ec2_call(region, operation, parameters, join(ids, ", ")), control);
}

}  // namespace

Result<Instance> run_instance(const Region& region, const LaunchRequest& request,
                              const Control& control) {
  const Call call = run_call(region, request, false);
  return send(region, call, control).then([&](const Value& answer) {
    const auto instances = items(answer, "instancesSet");
    const Value first = instances.empty() ? Value() : instances.front();
    required_text(call, first, {"instanceId"});
    return read_instance(first);
  });
}

Result<Done> try_run_instance(const Region& region, const LaunchRequest& request,
                              const Control& control) {
  auto tried = do_call(region, run_call(region, request, true), control);
  if (tried.failure && is_dry_run_ok(*tried.failure)) return {Done{}, {}, {}};
  return tried;
}

Result<std::vector<Instance>> describe_instances(const Region& region,
                                                 const std::vector<std::string>& ids,
                                                 const Control& control) {
  auto found = all_of(region, "DescribeInstances", "InstanceId", ids, "reservationSet", control);
  if (found.failure && is_not_found(*found.failure)) {
    // One that is not known costs the answer for all; as filters they are taken for what they are.
    std::vector<Instance> known;
    for (const auto& batch : batches_of(ids)) {
      auto some = find_instances(region, {{"instance-id", batch}}, control);
      if (some.failure && is_not_found(*some.failure)) continue;
      if (!some.ok()) return some;
      std::move(some.value->begin(), some.value->end(), std::back_inserter(known));
    }
    return {std::move(known), {}, {}};
  }
  return read_reservations(found);
}

Result<std::vector<Instance>> find_instances(const Region& region, const Filters& filters,
                                             const Control& control) {
  const Value parameters =
      Value::object({{"Filter", filters_of(filters)}, {"MaxResults", page_size}});
  return read_reservations(
      all_pages(region, "DescribeInstances", parameters, "reservationSet", control));
}

Result<Done> terminate_instances(const Region& region, const std::vector<std::string>& ids,
                                 const Control& control) {
  return change(region, "TerminateInstances", ids, control);
}

Result<Done> stop_instances(const Region& region, const std::vector<std::string>& ids,
                            const Control& control) {
  return change(region, "StopInstances", ids, control);
}

Result<std::string> console_output(const Region& region, const std::string& id,
                                   const Control& control) {
  const auto ask = [&](bool latest) {
    const Value parameters =
        Value::object({{"InstanceId", id}, {"Latest", latest ? Value(true) : Value()}});
    return send(region, ec2_call(region, "GetConsoleOutput", parameters, id), control);
  };
  Result<Value> answer = ask(true);
  // Only machines of the Nitro system can tell what is new.
  if (answer.failure && answer.failure->code.starts_with("Unsupported")) answer = ask(false);
  return answer.then([](const Value& content) {
    std::string encoded = text(content, "output");
    std::erase_if(encoded, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    return base64_decode(encoded).value_or("");
  });
}

}  // namespace toehold::aws::ec2
