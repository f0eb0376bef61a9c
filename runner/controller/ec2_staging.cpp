#include "runner/controller/ec2_staging.hpp"

#include "runner/aws/log_streams.hpp"
#include "runner/base/error.hpp"
#include "runner/base/folder_upload.hpp"

namespace toehold {

namespace {

/// A policy can hold to it what may be done in the group.
std::string streams_of(const std::string& build) {
  return "toehold/" + build + "/";
}

}  // namespace

Ec2Thing staged_thing(const Ec2Thing& instance, const Ec2Options& options) {
  ObjectAddress address = parse_object_address(options.staging).value_or(ObjectAddress{});
  address.key = object_key(address.key, instance.build + "/" + instance.part + "/");
  Ec2Thing staged = instance;
  staged.name = to_string(address);
  staged.log_group = log_group_of(options);
  return staged;
}

void set_places(SsmSettings& settings, const Ec2Thing& staged) {
  settings.region = staged.region;
  settings.staging = parse_object_address(staged.name).value_or(ObjectAddress{});
  settings.logs = {staged.region, staged.log_group, streams_of(staged.build) + staged.part + "/"};
}

void remove_staged(AwsReach& reach, const Ec2Thing& staged) {
  const auto address = parse_object_address(staged.name);
  if (!address) throw Error(Error::Kind::state, "the inventory is damaged: " + staged.name);
  remove_staged_objects(reach.session(), staged.region, *address, {});
  if (staged.log_group.empty()) return;
  SsmSettings places;
  set_places(places, staged);
  aws::delete_log_streams(reach.client(), places.logs, reach.control());
}

void remove_log_streams(AwsReach& reach, const std::string& group, const std::string& build) {
  aws::delete_log_streams(reach.client(), {{}, group, streams_of(build)}, reach.control());
}

}  // namespace toehold
