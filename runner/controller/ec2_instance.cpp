#include "runner/controller/ec2_instance.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/controller/console_end.hpp"
#include "runner/controller/ec2_base.hpp"
#include "runner/controller/ec2_launch.hpp"
#include "runner/controller/ec2_user_data.hpp"
#include "runner/controller/ssm_transport.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;
namespace ec2 = aws::ec2;

constexpr auto stop_patience = 600s;

std::string own_user_data(const Recipe& recipe) {
  const Value& extra = recipe.additional_instance_configuration;
  const Value* data = extra.is_map() ? extra.find("userDataOverride") : nullptr;
  return data ? base64_decode(data->text()).value_or("") : std::string();
}

ObjectAddress staging_of(const Ec2Options& options, const std::string& build_id, const char* part) {
  ObjectAddress address = parse_object_address(options.staging).value_or(ObjectAddress{});
  if (!address.key.empty() && !address.key.ends_with('/')) address.key += '/';
  address.key += build_id + "/" + part + "/";
  return address;
}

}  // namespace

Ec2Instance::Ec2Instance(std::shared_ptr<Ec2Place> place, const Ec2Image* from, bool for_test)
    : held_(std::move(place)),
      place_(*held_),
      context_(place_.context()),
      options_(place_.options()),
      for_test_(for_test),
      thing_(place_.thing(for_test ? "test" : "build")) {
  if (options_.connect == "ssh") keys_ = make_ec2_keys(context_);
  for (const InventoryRecord& record : context_.inventory.remaining()) {
    const bool is_it = record.kind == "instance" && record.id == to_record_id(thing_);
    if (is_it && record.state != "planned") record_ = record.number;
  }
  if (record_ == 0) {
    try {
      create(from);
    } catch (...) {
      end_lease();
      if (record_ != 0 &&
          remove_ec2_instances(place_.reach(), context_.clock, thing_, instance_.id.empty())) {
        context_.inventory.set_state(record_, "removed");
      }
      throw;
    }
    context_.inventory.set_state(record_, "created");
    return;
  }
  const auto known = find_ec2_instance(place_.reach(), thing_);
  if (!known) {
    throw Error(Error::Kind::aws, "the instance of build " + context_.build_id + " is gone",
                "forget the build: toehold cleanup " + context_.build_id);
  }
  instance_ = *known;
  connect();
  if (instance_.state == "running") {
    wait_until_reachable();
    start_lease();
  }
}

void Ec2Instance::create(const Ec2Image* from) {
  LaunchPlan plan;
  plan.image = from ? from->image() : resolve_ec2_base(place_);
  plan.part = part();
  find_agent_binary(plan.image.architecture == "arm64" ? "aarch64" : "x86_64");
  Ec2UserData data;
  data.lease = std::chrono::minutes(options_.lease);
  data.own = for_test_ ? std::string() : own_user_data(place_.recipe());
  if (keys_) {
    data.host_private = read_file(keys_->host_key);
    data.host_public = read_file(keys_->host_key.string() + ".pub");
  }
  plan.user_data = user_data_text(data);
  if (!for_test_) check_launch(place_, plan);
  context_.lap("the image to start from, and leave to launch it");
  plan.security_groups = ec2_security_groups(place_);
  if (keys_) plan.key_name = ec2_key_pair(place_, *keys_);
  context_.lap("security group and key");
  // Behind the records of what it needs: cleanup goes the other way.
  record_ = context_.inventory.plan_again(ec2_target, "instance", to_record_id(thing_)).number;
  instance_ = launch_ec2(place_, plan);
  launched_ = context_.clock.monotonic();
  context_.lap("RunInstances");
  connect();
  wait_until_reachable();
  context_.lap("boot, until it can be reached");
  start_lease();
  guest_->install(guest_->find_agent());
}

void Ec2Instance::connect() {
  if (!keys_) {
    Ec2Thing staged = thing_;
    staged.name = to_string(staging_of(options_, context_.build_id, part()));
    staged_ = context_.inventory.plan_again(ec2_target, "staging", to_record_id(staged)).number;
  } else if (instance_.state == "pending") {
    place_.wait_until("the start of " + instance_.id, std::chrono::seconds(options_.launch_timeout),
                      [this] { return is_in_state("running"); });
  }
  transport_ = way()();
  guest_ = std::make_unique<RemoteMachine>(place_.recipe(), *transport_, for_test_, context_,
                                           [this] { must_be_on(); });
}

SshSettings Ec2Instance::ssh_settings() const {
  std::string address = instance_.public_address;
  if (options_.ssh_address == "private" || (options_.ssh_address == "auto" && address.empty())) {
    address = instance_.private_address;
  }
  if (instance_.state != "running") {
    address = instance_.id;  // it has done its part, and is not asked any more
  } else if (address.empty()) {
    throw Error(Error::Kind::unsupported, "instance " + instance_.id + " has no public address",
                "write sshAddress: private, associatePublicIpAddress: true, or connect: ssm");
  }
  SshSettings settings;
  settings.address = {address, 22, options_.user};
  settings.identities = {keys_->identity};
  settings.known_hosts = {trust_host_key(*keys_, context_, address)};
  settings.sudo = options_.user != "root";
  settings.connect_timeout = 10s;
  return settings;
}

Ec2Instance::Connect Ec2Instance::way() const {
  if (keys_) {
    return [settings = ssh_settings()]() -> std::unique_ptr<Transport> {
      return std::make_unique<SshTransport>(settings);
    };
  }
  SsmSettings settings;
  settings.instance_id = instance_.id;
  settings.region = thing_.region;
  settings.staging = staging_of(options_, context_.build_id, part());
  settings.agent_path = RemoteMachine::folder_for(context_, for_test_) + "/toehold-agent";
  return [&session = place_.reach().session(), &clock = context_.clock,
          settings]() -> std::unique_ptr<Transport> {
    return std::make_unique<SsmTransport>(session, clock, settings);
  };
}

void Ec2Instance::wait_until_reachable() {
  const Monotonic begun = context_.clock.monotonic();
  const std::chrono::seconds most(options_.launch_timeout);
  for (auto pause = 1000ms;; pause = std::min<std::chrono::milliseconds>(pause * 5 / 4, 5s)) {
    std::string reason;
    try {
      if (auto* ssh = dynamic_cast<SshTransport*>(transport_.get())) {
        ssh->connect(context_.stop);
      } else {
        dynamic_cast<SsmTransport&>(*transport_)
            .wait_until_online(Deadline(context_.clock.monotonic() + 15s), context_.stop);
      }
      return;
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::cancelled || error.kind() == Error::Kind::aws) throw;
      reason = error.full_message();
    }
    must_be_on();
    if (context_.clock.monotonic() - begun > most) {
      const auto said = ec2::console_output(place_.here(), instance_.id, place_.control());
      throw Error(Error::Kind::timeout,
                  "instance " + instance_.id + " cannot be reached within " +
                      std::to_string(options_.launch_timeout) + " s: " + reason +
                      console_end(said.value.value_or("")),
                  "`launchTimeout` of the target gives it more time");
    }
    if (!context_.clock.sleep_for(pause, context_.stop)) {
      throw Error(Error::Kind::cancelled, "interrupted");
    }
  }
}

void Ec2Instance::start_lease() {
  const std::chrono::seconds time = std::chrono::minutes(options_.lease);
  arm_lease(*transport_, context_.clock, time, context_.stop);
  LeaseKeeper::Ways ways;
  // By value: instance_ changes while the other thread is at work.
  ways.connect = way();
  ways.note = [id = instance_.id, region = thing_.region, stop = context_.stop](UnixMillis until) {
    AwsReach reach(stop, region);
    ec2::create_tags({reach.client(), {}}, {id}, {{lease_tag, rfc3339_utc(until)}}, reach.control())
        .require();
  };
  lease_ = std::make_unique<LeaseKeeper>(std::move(ways), context_.clock, time);
}

bool Ec2Instance::is_in_state(const char* state) {
  must_be_on();
  return instance_.state == state;
}

void Ec2Instance::must_be_on() {
  const auto found =
      ec2::describe_instances(place_.here(), {instance_.id}, place_.control()).require();
  const bool young = context_.clock.monotonic() - launched_ < 300s;
  if (found.empty() && young) return;  // EC2 may not show it yet
  if (!found.empty()) instance_ = found.front();
  if (!found.empty() && instance_.state != "terminated" && instance_.state != "shutting-down") {
    return;
  }
  const bool spot = instance_.state_reason.code == "Server.SpotInstanceTermination" ||
                    instance_.state_reason.code == "Server.SpotInstanceShutdown";
  std::string why = instance_.state_reason.message;
  if (why.empty()) why = instance_.state_transition_reason;
  throw Error(Error::Kind::process,
              (spot ? "AWS has taken the spot instance " : "the instance ") + instance_.id +
                  (spot ? " back: " : " is gone: ") +
                  (why.empty() ? "it is " + (found.empty() ? "unknown" : instance_.state) : why),
              spot ? "build again, or write market: [spot, on-demand]"
                   : "did a step shut it down, or its lease end? Build again");
}

Ec2Instance::~Ec2Instance() {
  try {
    end_lease();
    if (kept_) {
      const std::chrono::seconds time = std::chrono::hours(options_.keep_hours);
      if (instance_.state == "running") arm_lease(*transport_, context_.clock, time, {});
      context_.inventory.set_state(record_, "kept");
      return;
    }
    if (remove_ec2_instances(place_.reach(), context_.clock, thing_, false)) {
      context_.inventory.set_state(record_, "removed");
    }
    if (!keys_) remove_staged();
  } catch (const Error& error) {
    say_of_ec2("warning: instance " + instance_.id + ": " + error.full_message() +
               "; later: toehold cleanup " + context_.build_id);
  }
}

void Ec2Instance::remove_staged() {
  remove_staged_objects(place_.reach().session(), thing_.region,
                        staging_of(options_, context_.build_id, part()), {});
  context_.inventory.set_state(staged_, "removed");
}

StageEnd Ec2Instance::run(const Stage& stage) {
  try {
    const StageEnd end = guest_->stages().run(stage);
    if (end == StageEnd::failed && !options_.terminate_on_failure) kept_ = true;
    return end;
  } catch (const Error& error) {
    kept_ = error.kind() == Error::Kind::network || error.kind() == Error::Kind::timeout;
    throw;
  }
}

void Ec2Instance::clean_up() {
  std::error_code error;
  if (fs::exists(note("cleaned"), error)) return;
  if (!fs::exists(note("packages-after.json"), error)) {
    write_file_atomically(note("packages-after.json"), to_json(to_value(guest_->packages_now())));
  }
  if (options_.cleanup != "never") {
    say_of_ec2(guest_->clean(place_.recipe().working_directory));
  } else if (!guest_->remove_agent()) {
    throw Error(Error::Kind::network, transport_->name() + ": the agent cannot be removed");
  }
  write_file_atomically(note("cleaned"), "");
}

void Ec2Instance::stop() {
  end_lease();
  if (is_in_state("stopped")) return;
  // A one-time spot instance cannot be stopped; EC2 then restarts it as it makes the image.
  if (instance_.lifecycle == "spot") return;
  // By the API: a shutdown from inside would terminate it.
  ec2::stop_instances(place_.here(), {instance_.id}, place_.control()).require();
  place_.wait_until("the stop of " + instance_.id, stop_patience,
                    [this] { return is_in_state("stopped"); });
}

std::unique_ptr<Snapshot> Ec2Instance::snapshot() {
  clean_up();
  context_.lap("clean-up");
  stop();
  context_.lap("stop of the instance");
  const auto packages = [this](const char* name) {
    return packages_from(parse_json(read_file(note(name))), name);
  };
  return std::make_unique<Ec2Image>(place_, instance_.id, packages("packages.json"),
                                    packages("packages-after.json"));
}

}  // namespace toehold
