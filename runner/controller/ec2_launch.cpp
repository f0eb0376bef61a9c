#include "runner/controller/ec2_launch.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;
namespace ec2 = aws::ec2;

// A new instance profile can be used only some seconds after it was made.
constexpr auto profile_patience = 60s;
// How long AWS may not show what it has made (EC2 API Reference, "Eventual consistency").
constexpr auto young = 20s;
constexpr auto termination_patience = 600s;
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

/// A token stands for all words of its request: a process that goes on after a kill has to ask with
/// the same ones, the time in the tag included.
std::string first_lease(Ec2Place& place, const std::string& part) {
  const fs::path note = place.context().directory / ("first-lease-" + part);
  std::error_code error;
  if (!fs::exists(note, error)) write_file_atomically(note, place.lease_end());
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
  return client_token({place.context().build_id, plan.part, number, plan.image.id, one.market,
                       one.type, one.subnet});
}

ec2::Filters filters_of(const Ec2Thing& thing) {
  return {{std::string("tag:") + build_tag, {thing.build}},
          {std::string("tag:") + part_tag, {thing.part}},
          {"instance-state-name", {"pending", "running", "stopping", "stopped", "shutting-down"}}};
}

/// One that an earlier process of this build has launched and ended: its token gives it again.
bool has_ended(Ec2Place& place, const std::string& id) {
  const auto found = ec2::describe_instances(place.here(), {id}, place.control()).require();
  return !found.empty() &&
         (found.front().state == "terminated" || found.front().state == "shutting-down");
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
  const LaunchTry first = launch_tries(place.options(), plan.image.architecture).front();
  ec2::LaunchRequest request = request_of(place, plan, first);
  auto answer = ec2::try_run_instance(place.here(), request, place.control());
  // Those two are for the launch, which waits and goes on to the next.
  const bool later =
      answer.failure && (ec2::is_profile_lag(*answer.failure) || ec2::is_capacity(*answer.failure));
  if (!later) answer.require();
}

ec2::Instance launch_ec2(Ec2Place& place, const LaunchPlan& plan) {
  const BuildContext& context = place.context();
  const std::vector<LaunchTry> tries = launch_tries(place.options(), plan.image.architecture);
  std::string came_to;
  for (std::size_t number = 0; number < tries.size(); ++number) {
    const LaunchTry& one = tries[number];
    ec2::LaunchRequest request = request_of(place, plan, one);
    request.client_token = token_for(place, plan, one, std::to_string(number));
    int gone = 0;
    const Monotonic begun = context.clock.monotonic();
    for (;;) {
      auto answer = ec2::run_instance(place.here(), request, place.control());
      if (answer.value && has_ended(place, answer.value->id) && ++gone < most_ended) {
        request.client_token =
            token_for(place, plan, one, std::to_string(number) + "-" + std::to_string(gone));
        continue;
      }
      if (answer.value) {
        say_of_ec2("instance " + answer.value->id + "  " + describe(one) + "  from " +
                   plan.image.id + " (" + plan.image.name + ")");
        return *answer.value;
      }
      const bool waits = ec2::is_profile_lag(*answer.failure) &&
                         context.clock.monotonic() - begun < profile_patience;
      if (waits && context.clock.sleep_for(2s, context.stop)) continue;
      if (!ec2::is_capacity(*answer.failure)) answer.require();
      const std::string what = describe(one) + ": " + answer.failure->code;
      say_of_ec2(what + (number + 1 < tries.size() ? "; trying the next" : ""));
      came_to += "\n  " + what + ": " + answer.failure->message;
      break;
    }
  }
  throw Error(Error::Kind::aws, "no instance is to be had:" + came_to,
              "name more in instanceTypes, market or subnetIds, in the order to try");
}

std::optional<ec2::Instance> find_ec2_instance(AwsReach& reach, const Ec2Thing& thing) {
  const ec2::Region region{reach.client(), {}};
  const auto found = ec2::find_instances(region, filters_of(thing), reach.control()).require();
  for (const ec2::Instance& one : found) {
    if (one.state != "shutting-down" && is_made_by(thing, one.tags)) return one;
  }
  return std::nullopt;
}

bool remove_ec2_instances(AwsReach& reach, Clock& clock, const Ec2Thing& thing, bool may_be_young) {
  const ec2::Region region{reach.client(), {}};
  const Monotonic begun = clock.monotonic();
  for (auto pause = 500ms;; pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, 5s)) {
    std::vector<std::string> ids;
    const auto found = ec2::find_instances(region, filters_of(thing), reach.control()).require();
    for (const ec2::Instance& one : found) {
      if (one.state != "shutting-down" && is_made_by(thing, one.tags)) ids.push_back(one.id);
    }
    if (!ids.empty()) {
      ec2::terminate_instances(region, ids, reach.control()).require();
      may_be_young = false;
    }
    const auto waited = clock.monotonic() - begun;
    if (found.empty() && (!may_be_young || waited > young)) return true;
    if (waited > termination_patience || !clock.sleep_for(pause, {})) return false;
  }
}

}  // namespace toehold
