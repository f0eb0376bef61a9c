#include "runner/aws/ec2_images.hpp"

#include "runner/aws/ec2_wire.hpp"
#include "runner/aws/xml.hpp"

namespace toehold::aws::ec2 {

namespace {

constexpr int page_size = 500;

/// "" is a number or flag that EC2 has left out, not 0 or false.
std::optional<bool> optional_flag(const Value& item, std::string_view name) {
  const Value* value = item.find(name);
  return value ? value->as_bool() : std::nullopt;
}

BlockDevice read_device(const Value& item) {
  BlockDevice device;
  device.device_name = text(item, "deviceName");
  device.virtual_name = text(item, "virtualName");
  device.no_device = item.find("noDevice") != nullptr;
  if (const Value* ebs = item.find("ebs")) {
    device.ebs = Ebs{optional_flag(*ebs, "encrypted"),
                     optional_flag(*ebs, "deleteOnTermination"),
                     number(*ebs, "iops"),
                     text(*ebs, "kmsKeyId"),
                     text(*ebs, "snapshotId"),
                     number(*ebs, "volumeSize"),
                     text(*ebs, "volumeType"),
                     number(*ebs, "throughput")};
  }
  return device;
}

Image read_image(const Value& item) {
  Image image;
  image.id = text(item, "imageId");
  image.name = text(item, "name");
  image.description = text(item, "description");
  image.owner_id = text(item, "imageOwnerId");
  image.state = text(item, "imageState");
  image.state_reason = reason(item, "stateReason");
  image.created = time(item, "creationDate");
  image.architecture = text(item, "architecture");
  image.root_device_name = text(item, "rootDeviceName");
  image.root_device_type = text(item, "rootDeviceType");
  for (const Value& device : items(item, "blockDeviceMapping")) {
    image.block_devices.push_back(read_device(device));
  }
  image.boot_mode = text(item, "bootMode");
  image.imds_support = text(item, "imdsSupport");
  image.platform = text(item, "platformDetails");
  image.deprecated = time(item, "deprecationTime");
  image.deregistration_protection = text(item, "deregistrationProtection");
  image.source_image_id = text(item, "sourceImageId");
  image.is_public = flag(item, "isPublic");
  image.tags = tags(item);
  return image;
}

Result<std::string> image_id(const Region& region, const Call& call, const Control& control) {
  return send(region, call, control).then([&](const Value& answer) {
    return required_text(call, answer, {"imageId"});
  });
}

Value permissions_of(const LaunchPermission& permission) {
  Value::List list;
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    for (const std::string& value : values) list.push_back(Value::object({{name, value}}));
  };
  add("UserId", permission.user_ids);
  add("Group", permission.groups);
  add("OrganizationArn", permission.organization_arns);
  add("OrganizationalUnitArn", permission.organizational_unit_arns);
  return Value(std::move(list));
}

Result<Done> change(const Region& region, const std::string& operation, Value parameters,
                    const std::string& image_id, const Control& control) {
  parameters.set("ImageId", image_id);
  return do_call(region, ec2_call(region, operation, parameters, image_id), control);
}

}  // namespace

std::vector<std::string> Image::snapshot_ids() const {
  std::vector<std::string> ids;
  for (const BlockDevice& device : block_devices) {
    if (device.ebs && !device.ebs->snapshot_id.empty()) ids.push_back(device.ebs->snapshot_id);
  }
  return ids;
}

Result<std::vector<Image>> describe_images(const Region& region,
                                           const std::vector<std::string>& ids,
                                           const Control& control) {
  return read_all(all_of(region, "DescribeImages", "ImageId", ids, "imagesSet", control),
                  read_image);
}

Result<std::vector<Image>> find_images(const Region& region, const std::vector<std::string>& owners,
                                       const Filters& filters, const Control& control) {
  const Value parameters = Value::object({{"Owner", said(owners)},
                                          {"Filter", filters_of(filters)},
                                          {"IncludeDeprecated", true},
                                          {"MaxResults", page_size}});
  return read_all(all_pages(region, "DescribeImages", parameters, "imagesSet", control),
                  read_image);
}

Result<std::string> create_image(const Region& region, const CreateImageRequest& request,
                                 const Control& control) {
  const Value parameters = Value::object(
      {{"InstanceId", request.instance_id},
       {"Name", request.name},
       {"Description", said(request.description)},
       {"NoReboot", request.no_reboot},
       {"TagSpecification",
        tag_specifications({{"image", request.image_tags}, {"snapshot", request.snapshot_tags}})}});
  return image_id(
      region,
      ec2_call(region, "CreateImage", parameters, request.name + " from " + request.instance_id),
      control);
}

Result<std::string> copy_image(const Region& region, const CopyImageRequest& request,
                               const Control& control) {
  const Value parameters = Value::object(
      {{"SourceRegion", request.source_region},
       {"SourceImageId", request.source_image_id},
       {"Name", request.name},
       {"Description", said(request.description)},
       {"ClientToken", said(request.client_token)},
       {"Encrypted", said(request.encrypted)},
       {"KmsKeyId", said(request.kms_key_id)},
       {"TagSpecification",
        tag_specifications({{"image", request.image_tags}, {"snapshot", request.snapshot_tags}})}});
  Call call = ec2_call(region, "CopyImage", parameters,
                       request.source_image_id + " of " + request.source_region);
  call.repeatable = !request.client_token.empty();
  return image_id(region, call, control);
}

Result<Done> deregister_image(const Region& region, const std::string& image_id,
                              const Control& control) {
  return change(region, "DeregisterImage", {}, image_id, control);
}

Result<LaunchPermission> launch_permission(const Region& region, const std::string& image_id,
                                           const Control& control) {
  const Value parameters =
      Value::object({{"ImageId", image_id}, {"Attribute", "launchPermission"}});
  const Call call = ec2_call(region, "DescribeImageAttribute", parameters, image_id);
  return send(region, call, control).then([](const Value& answer) {
    LaunchPermission permission;
    const auto add = [](std::vector<std::string>& values, std::string value) {
      if (!value.empty()) values.push_back(std::move(value));
    };
    for (const Value& item : items(answer, "launchPermission")) {
      add(permission.user_ids, text(item, "userId"));
      add(permission.groups, text(item, "group"));
      add(permission.organization_arns, text(item, "organizationArn"));
      add(permission.organizational_unit_arns, text(item, "organizationalUnitArn"));
    }
    return permission;
  });
}

Result<Done> modify_launch_permission(const Region& region, const std::string& image_id,
                                      const LaunchPermission& add, const LaunchPermission& remove,
                                      const Control& control) {
  if (add.empty() && remove.empty()) return {Done{}, {}, {}};
  const Value permission =
      Value::object({{"Add", permissions_of(add)}, {"Remove", permissions_of(remove)}});
  return change(region, "ModifyImageAttribute", Value::object({{"LaunchPermission", permission}}),
                image_id, control);
}

Result<Done> enable_image_deprecation(const Region& region, const std::string& image_id,
                                      UnixMillis at, const Control& control) {
  return change(region, "EnableImageDeprecation",
                Value::object({{"DeprecateAt", format_utc(at, "%Y-%m-%dT%H:%M:%SZ")}}), image_id,
                control);
}

Result<Done> enable_image_deregistration_protection(const Region& region,
                                                    const std::string& image_id, bool with_cooldown,
                                                    const Control& control) {
  return change(region, "EnableImageDeregistrationProtection",
                Value::object({{"WithCooldown", with_cooldown}}), image_id, control);
}

Result<Done> disable_image_deregistration_protection(const Region& region,
                                                     const std::string& image_id,
                                                     const Control& control) {
  return change(region, "DisableImageDeregistrationProtection", {}, image_id, control);
}

}  // namespace toehold::aws::ec2
