#include "runner/controller/ec2_network.hpp"

#include <optional>

#include "runner/aws/ec2_network.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/machine_seed.hpp"

namespace toehold {

namespace {

namespace ec2 = aws::ec2;

// How long EC2 may not show what it has made.
constexpr std::chrono::seconds young(300);
constexpr std::chrono::seconds interface_patience(60);
constexpr const char* address_service = "https://checkip.amazonaws.com";

fs::path public_half(const fs::path& key) {
  return key.string() + ".pub";
}

std::string vpc_of(Ec2Place& place) {
  const std::string subnet = subnets_to_try(place.options()).front();
  if (!subnet.empty()) {
    const auto found =
        ec2::find_subnets(place.here(), {{"subnet-id", {subnet}}}, place.control()).require();
    if (!found.empty()) return found.front().vpc_id;
    throw Error(Error::Kind::aws, "there is no subnet " + subnet + " in " + place.region());
  }
  const auto vpc = ec2::default_vpc(place.here(), place.control()).require();
  if (vpc) return vpc->id;
  throw Error(Error::Kind::aws, place.region() + " has no default VPC",
              "say where the instance is to be: write subnetId: with the id of a subnet");
}

/// Who asks AWS may have another address than this machine's own.
std::string address_we_come_from(Ec2Place& place) {
  HttpRequest request;
  request.url = address_service;
  request.deadline = place.control().deadline;
  std::string body;
  const HttpResponse answer = place.reach().http().send(
      request,
      [&](std::string_view bytes) {
        body += bytes;
        return body.size() < 256;
      },
      place.context().stop);
  const std::string address(trim(body));
  const bool plausible =
      !address.empty() && address.find_first_not_of("0123456789abcdef.:") == std::string::npos;
  if (answer.status == 200 && plausible) {
    return address + (address.find(':') == std::string::npos ? "/32" : "/128");
  }
  throw Error(Error::Kind::network,
              std::string("cannot learn from ") + address_service + " which address we have: " +
                  (answer.transport_error.empty() ? "status " + std::to_string(answer.status)
                                                  : answer.transport_error),
              "say from where SSH comes: write\ntarget:\n  sshFrom: 198.51.100.7/32");
}

ec2::Filters filters_of(const char* name, const Ec2Thing& thing) {
  return {{name, {thing.name}}};  // the tags are looked at in what is found
}

std::optional<ec2::SecurityGroup> find_group(const ec2::Region& region, const Ec2Thing& thing,
                                             const aws::Control& control) {
  const auto found =
      ec2::find_security_groups(region, filters_of("group-name", thing), control).require();
  for (const ec2::SecurityGroup& group : found) {
    if (is_made_by(thing, group.tags)) return group;
  }
  return std::nullopt;
}

std::string make_group(Ec2Place& place, const Ec2Thing& thing) {
  if (const auto known = find_group(place.here(), thing, place.control())) return known->id;
  auto made = ec2::create_security_group(place.here(), thing.name,
                                         "For the instances of toehold build " + thing.build,
                                         vpc_of(place), place.tags(thing.part), place.control());
  if (made.failure && ec2::is_duplicate(*made.failure)) {  // the answer to our first call was lost
    std::optional<ec2::SecurityGroup> known;
    place.wait_until("the security group " + thing.name, young, [&] {
      known = find_group(place.here(), thing, place.control());
      return known.has_value();
    });
    return known->id;
  }
  return made.require();
}

}  // namespace

Ec2Keys make_ec2_keys(const BuildContext& context) {
  const Ec2Keys keys(context.directory);
  std::error_code error;
  for (const fs::path& key : {keys.identity, keys.host_key}) {
    if (fs::exists(public_half(key), error)) continue;
    make_ssh_key(key, context.processes, context.stop);
  }
  return keys;
}

fs::path trust_host_key(const Ec2Keys& keys, const BuildContext& context,
                        const std::string& address) {
  const fs::path file = context.directory / "known_hosts";
  write_file_atomically(file, address + " " + read_file(public_half(keys.host_key)));
  return file;
}

std::vector<std::string> ec2_security_groups(Ec2Place& place) {
  const Ec2Options& options = place.options();
  if (!options.security_groups.empty()) return options.security_groups;
  const BuildContext& context = place.context();
  const Ec2Thing thing = place.thing("network", ec2_name(context.build_id));
  const InventoryRecord record =
      context.inventory.plan_again(ec2_target, "security-group", to_record_id(thing));
  const std::string from = options.connect != "ssh"   ? std::string()
                           : options.ssh_from.empty() ? address_we_come_from(place)
                                                      : options.ssh_from;
  const std::string group = make_group(place, thing);
  if (!from.empty()) {
    place
        .of_young([&] {
          return ec2::authorize_ingress(place.here(), group, {from, 22, "toehold"},
                                        place.tags(thing.part), place.control());
        })
        .require();
  }
  context.inventory.set_state(record.number, "created");
  return {group};
}

std::string ec2_key_pair(Ec2Place& place, const Ec2Keys& keys) {
  const BuildContext& context = place.context();
  const Ec2Thing thing = place.thing("network", ec2_name(context.build_id));
  const InventoryRecord record =
      context.inventory.plan_again(ec2_target, "key-pair", to_record_id(thing));
  if (record.state == "planned") {
    auto made =
        ec2::import_key_pair(place.here(), thing.name, read_file(public_half(keys.identity)),
                             place.tags(thing.part), place.control());
    // The name is this build's alone, and so is the key.
    if (!made.failure || !ec2::is_duplicate(*made.failure)) made.require();
    context.inventory.set_state(record.number, "created");
  }
  return thing.name;
}

bool remove_security_group(AwsReach& reach, const Ec2Thing& thing, Clock& clock) {
  const ec2::Region region{reach.client(), {}};
  const auto group = find_group(region, thing, reach.control());
  if (!group) return true;
  const Monotonic begun = clock.monotonic();
  for (;;) {
    auto gone = ec2::delete_security_group(region, group->id, reach.control());
    if (!gone.failure || ec2::is_not_found(*gone.failure)) return true;
    if (!ec2::is_dependency_violation(*gone.failure)) gone.require();
    // The instance is terminated, and its network interface is about to go.
    if (clock.monotonic() - begun > interface_patience) return false;
    clock.sleep_for(std::chrono::seconds(2), {});
  }
}

bool remove_key_pair(AwsReach& reach, const Ec2Thing& thing) {
  const ec2::Region region{reach.client(), {}};
  const auto found =
      ec2::find_key_pairs(region, filters_of("key-name", thing), reach.control()).require();
  for (const ec2::KeyPair& key : found) {
    if (!is_made_by(thing, key.tags)) continue;
    ec2::delete_key_pair(region, key.id, reach.control()).require();
  }
  return true;
}

}  // namespace toehold
