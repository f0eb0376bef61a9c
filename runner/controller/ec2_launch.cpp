#include "runner/controller/ec2_launch.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/ec2_removal.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;
namespace ec2 = aws::ec2;

// A new instance profile can be used only some seconds after it was made.
constexpr auto profile_patience = 60s;
constexpr int most_ended = 10;

std::string text_of(const Value& map, const char* key) {
  const Value* value = map.is_map() ? map.find(key) : nullptr;
  return value ? value->text() : std::string();
}

ec2::BlockDevice block_device(const Value& from) {
  const Value empty{Value::Map()};
  const Value* ebs = from.find("ebs");
  const Value& volume = ebs && ebs->is_map() ? *ebs : empty;
  const auto flag = [&](const char* key) -> std::optional<bool> {
    const Value* value = volume.find(key);
    return value ? value->as_yaml_bool() : std::nullopt;
  };
  const auto number = [&](const char* key) -> std::optional<std::int64_t> {
    const Value* value = volume.find(key);
    return value ? value->as_int() : std::nullopt;
  };
  ec2::BlockDevice device;
  device.device_name = text_of(from, "deviceName");
  device.virtual_name = text_of(from, "virtualName");
  device.no_device = from.find("noDevice") != nullptr;
  if (!ebs) return device;
  ec2::Ebs& disk = device.ebs.emplace();
  disk.encrypted = flag("encrypted");
  disk.delete_on_termination = flag("deleteOnTermination").value_or(true);
  disk.iops = number("iops");
  disk.throughput = number("throughput");
  disk.volume_size = number("volumeSize");
  disk.kms_key_id = text_of(volume, "kmsKeyId");
  disk.snapshot_id = text_of(volume, "snapshotId");
  disk.volume_type = text_of(volume, "volumeType");
  return device;
}

fs::path first_lease_note(Ec2Place& place, const std::string& part) {
  return place.context().directory / ("first-lease-" + part);
}

/// A token stands for all words of its request: a process that goes on after a kill has to ask with
/// the same ones, the time in the tag included.
std::string first_lease(Ec2Place& place, const std::string& part) {
  const fs::path note = first_lease_note(place, part);
  std::error_code error;
  if (!fs::exists(note, error)) {
    write_file_atomically(note, place.lease_end());
    place.context().note_down();
  }
  return read_file(note, 64);
}

ec2::LaunchRequest request_of(Ec2Place& place, const LaunchPlan& plan, const LaunchTry& one) {
  const Ec2Options& options = place.options();
  ec2::LaunchRequest request;
  request.image_id = plan.image.id;
  request.instance_type = one.type;
  request.subnet_id = one.subnet;
  request.security_group_ids = plan.security_groups;
  request.spot = one.market == "spot";
  request.instance_profile = options.instance_profile;
  request.key_name = plan.key_name;
  request.user_data = plan.user_data;
  request.metadata.http_tokens = text_of(options.metadata_options, "httpTokens");
  if (request.metadata.http_tokens.empty()) request.metadata.http_tokens = "required";
  const std::string hops = text_of(options.metadata_options, "httpPutResponseHopLimit");
  request.metadata.hop_limit = hops.empty() ? 1 : Value(hops).as_int().value_or(1);
  request.placement.zone = text_of(options.placement, "availabilityZone");
  request.placement.tenancy = text_of(options.placement, "tenancy");
  request.placement.host_id = text_of(options.placement, "hostId");
  request.placement.host_resource_group_arn = text_of(options.placement, "hostResourceGroupArn");
  request.public_address = options.public_address;
  request.tags = place.tags(plan.part);
  request.tags[lease_tag] = first_lease(place, plan.part);
  if (place.recipe().block_device_mappings.is_list()) {
    for (const Value& mapping : place.recipe().block_device_mappings.list()) {
      request.block_devices.push_back(block_device(mapping));
    }
  }
  return request;
}

std::string token_for(Ec2Place& place, const LaunchPlan& plan, const LaunchTry& one,
                      const std::string& number) {
  // The first lease is another one for a machine that takes the place of an earlier one.
  return client_token({place.context().build_id, plan.part, number, plan.image.id, one.market,
                       one.type, one.subnet, first_lease(place, plan.part)});
}

ec2::Filters filters_of(const Ec2Thing& thing) {
  return ec2::tag_filters({{build_tag, thing.build}, {part_tag, thing.part}});
}

std::vector<LaunchTry> tries_of(Ec2Place& place, const LaunchPlan& plan) {
  std::vector<LaunchTry> tries = launch_tries(place.options(), plan.image.architecture);
  if (plan.on_demand_only) {
    std::erase_if(tries, [](const LaunchTry& one) { return one.market == "spot"; });
  }
  return tries;
}

/// One that an earlier process of this build has launched and ended: its token gives it again.
bool has_ended(Ec2Place& place, const std::string& id) {
  const auto found = place.watcher().instance(id, place.control());
  return found && (found->state == "terminated" || found->state == "shutting-down");
}

}  // namespace

std::vector<LaunchTry> launch_tries(const Ec2Options& options, const std::string& architecture) {
  std::vector<std::string> types = options.instance_types;
  if (types.empty()) types.emplace_back(architecture == "arm64" ? "t4g.medium" : "t3.medium");
  std::vector<LaunchTry> tries;
  for (const std::string& market : options.market) {
    for (const std::string& type : types) {
      for (const std::string& subnet : subnets_to_try(options)) {
        tries.push_back({market, type, subnet});
      }
    }
  }
  return tries;
}

std::string describe(const LaunchTry& one) {
  return one.type + ", " + one.market + (one.subnet.empty() ? "" : ", in " + one.subnet);
}

void check_launch(Ec2Place& place, const LaunchPlan& plan) {
  const LaunchTry first = tries_of(place, plan).front();
  ec2::LaunchRequest request = request_of(place, plan, first);
  auto answer = ec2::try_run_instance(place.here(), request, place.control());
  // Those two are for the launch, which waits and goes on to the next.
  const bool later =
      answer.failure && (ec2::is_profile_lag(*answer.failure) || ec2::is_capacity(*answer.failure));
  if (!later) answer.require();
}

ec2::Instance launch_ec2(Ec2Place& place, const LaunchPlan& plan) {
  const BuildContext& context = place.context();
  const std::vector<LaunchTry> tries = tries_of(place, plan);
  std::string came_to;
  for (std::size_t number = 0; number < tries.size(); ++number) {
    const LaunchTry& one = tries[number];
    ec2::LaunchRequest request = request_of(place, plan, one);
    request.client_token = token_for(place, plan, one, std::to_string(number));
    int gone = 0;
    const Monotonic begun = context.clock.monotonic();
    for (;;) {
      auto answer =
          place.of_young([&] { return ec2::run_instance(place.here(), request, place.control()); });
      if (answer.value && has_ended(place, answer.value->id) && ++gone < most_ended) {
        request.client_token =
            token_for(place, plan, one, std::to_string(number) + "-" + std::to_string(gone));
        continue;
      }
      if (answer.value) {
        place.say("instance " + answer.value->id + "  " + describe(one) + "  from " +
                  plan.image.id + " (" + plan.image.name + ")");
        return *answer.value;
      }
      const bool waits = ec2::is_profile_lag(*answer.failure) &&
                         context.clock.monotonic() - begun < profile_patience;
      if (waits && context.clock.sleep_for(2s, context.stop)) continue;
      if (!ec2::is_capacity(*answer.failure)) answer.require();
      const std::string what = describe(one) + ": " + answer.failure->code;
      place.say(what + (number + 1 < tries.size() ? "; trying the next" : ""));
      came_to += "\n  " + what + ": " + answer.failure->message;
      break;
    }
  }
  throw Error(Error::Kind::aws, "no instance is to be had:" + came_to,
              "name more in instanceTypes, market or subnetIds, in the order to try");
}

void renew_lease_tag(Ec2Place& place, const ec2::Instance& instance) {
  const auto lease = std::chrono::milliseconds(std::chrono::minutes(place.options().lease));
  const auto tag = instance.tags.find(lease_tag);
  const UnixMillis soon = place.context().clock.unix_millis() + lease.count() * 2 / 3;
  if (tag != instance.tags.end() && tag->second > rfc3339_utc(soon)) return;
  place
      .of_young([&] {
        return ec2::create_tags(place.here(), {instance.id}, {{lease_tag, place.lease_end()}},
                                place.control());
      })
      .require();
}

void forget_launch(Ec2Place& place, const std::string& part) {
  std::error_code ignored;
  fs::remove(first_lease_note(place, part), ignored);
}

std::optional<ec2::Instance> find_ec2_instance(AwsReach& reach, const Ec2Thing& thing) {
  const ec2::Region region{reach.client(), {}};
  ec2::Filters filters = filters_of(thing);
  filters.push_back(not_terminated());
  const auto found = ec2::find_instances(region, filters, reach.control()).require();
  for (const ec2::Instance& one : found) {
    if (one.state != "shutting-down" && is_made_by(thing, one.tags)) return one;
  }
  return std::nullopt;
}

bool remove_ec2_instances(aws::Watcher& watcher, AwsReach& reach, Clock& clock,
                          const Ec2Thing& thing, bool may_be_young) {
  const auto find = [&] {
    auto found = watcher.instances_with(build_tag, thing.build, reach.control());
    std::erase_if(found, [&](const ec2::Instance& one) {
      const auto part = one.tags.find(part_tag);
      return part == one.tags.end() || part->second != thing.part;
    });
    return found;
  };
  return end_ec2_instances(reach, find, may_be_young ? may_be_unseen : 0s, clock);
}

}  // namespace toehold
