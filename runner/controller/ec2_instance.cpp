#include "runner/controller/ec2_instance.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/console_end.hpp"
#include "runner/controller/ec2_base.hpp"
#include "runner/controller/ec2_launch.hpp"
#include "runner/controller/ec2_removal.hpp"
#include "runner/controller/ec2_staging.hpp"
#include "runner/controller/ec2_user_data.hpp"
#include "runner/controller/ssm_transport.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;
namespace ec2 = aws::ec2;

constexpr auto stop_patience = 600s;
// About a quarter of a minute of them.
constexpr int enough_refusals = 8;
constexpr const char* without_spot =
    "build again, or write market: [spot, on-demand]: then a stage begins anew on demand";

}  // namespace

Ec2Instance::Ec2Instance(std::shared_ptr<Ec2Place> place, const Ec2Image* from, bool for_test)
    : held_(std::move(place)),
      place_(*held_),
      context_(place_.context()),
      options_(place_.options()),
      from_(from),
      for_test_(for_test),
      thing_(place_.thing(for_test ? "test" : "build")) {
  if (options_.connect == "ssh") keys_ = make_ec2_keys(context_);
  bool is_planned = false;
  for (const InventoryRecord& record : context_.inventory.remaining()) {
    if (record.kind != "instance" || record.id != to_record_id(thing_)) continue;
    is_planned = record.state == "planned";
    if (!is_planned) record_ = record.number;
  }
  std::optional<ec2::Instance> known;
  if (record_ != 0) known = find_ec2_instance(place_.reach(), thing_);
  if (!known && (record_ == 0 || from_)) {  // the image for another test instance is there
    if (record_ != 0) context_.inventory.set_state(record_, "removed");
    record_ = 0;
    if (!is_planned) begin_anew();
    create();
    return;
  }
  if (!known) {
    throw Error(Error::Kind::aws, "the instance of build " + context_.build_id + " is gone",
                "forget the build: toehold cleanup " + context_.build_id);
  }
  instance_ = *known;
  renew_lease_tag(place_, instance_);
  plan_staging();
  connect();
  if (instance_.state != "running" || has_note("cleaned")) return;
  wait_until_reachable();
  if (!has_note("cleaned")) start_lease();
}

/// With another token than the earlier one was asked for with, which EC2 would tell of again.
void Ec2Instance::begin_anew() {
  begin_stage_anew(context_, for_test_);
  forget_launch(place_, part());
}

void Ec2Instance::create() {
  try {
    launch();
  } catch (...) {
    end_lease();
    give_up();
    throw;
  }
  context_.inventory.set_state(record_, "created");
}

void Ec2Instance::launch() {
  LaunchPlan plan;
  std::error_code error;
  plan.on_demand_only = fs::exists(taken_back_note(), error);
  plan.image = from_ ? from_->image() : resolve_ec2_base(place_);
  plan.part = part();
  find_agent_binary(plan.image.architecture == "arm64" ? "aarch64" : "x86_64");
  Ec2UserData data;
  data.lease = std::chrono::minutes(options_.lease);
  data.own =
      for_test_ ? std::string() : own_user_data(place_.recipe().additional_instance_configuration);
  // EC2 brings one key pair: the user's, and then cloud-init brings ours.
  const bool has_key_pair = !options_.key_pair.empty();
  if (keys_ && has_key_pair) data.login = trim(read_file(keys_->identity.string() + ".pub"));
  if (keys_) {
    data.host_private = read_file(keys_->host_key);
    data.host_public = read_file(keys_->host_key.string() + ".pub");
  }
  plan.user_data = user_data_text(data);
  plan.key_name = options_.key_pair;
  if (!for_test_) {
    take_image_name(place_);
    check_launch(place_, plan);
  }
  context_.lap("the image to start from, and leave to launch it");
  plan.security_groups = ec2_security_groups(place_);
  if (keys_ && !has_key_pair) plan.key_name = ec2_key_pair(place_, *keys_);
  context_.lap("security group and key");
  plan_staging();
  // Behind the records of what it needs: cleanup goes the other way.
  record_ = context_.inventory.plan_again(ec2_target, "instance", to_record_id(thing_)).number;
  instance_ = launch_ec2(place_, plan);
  launched_ = context_.clock.monotonic();
  renew_lease_tag(place_, instance_);
  context_.lap("RunInstances");
  connect();
  wait_until_reachable();
  context_.lap("boot, until it can be reached");
  start_lease();
  guest_->install(guest_->find_agent());
}

/// What the instance writes there has to go after it.
void Ec2Instance::plan_staging() {
  if (keys_) return;
  const std::string id = to_record_id(staged_thing(thing_, options_));
  staged_ = context_.inventory.plan_again(ec2_target, "staging", id).number;
}

void Ec2Instance::connect() {
  if (keys_ && instance_.state == "pending") {
    place_.wait_until("the start of " + instance_.id, std::chrono::seconds(options_.launch_timeout),
                      [this] { return is_in_state("running"); });
  }
  transport_ = way()();
  guest_ = std::make_unique<RemoteMachine>(
      place_.recipe(), *transport_, for_test_, context_, [this] { must_be_on(); },
      instance_.lifecycle == "spot");
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
  set_places(settings, staged_thing(thing_, options_));
  settings.agent_path = RemoteMachine::folder_for(context_, for_test_) + "/toehold-agent";
  settings.say = [&context = context_](const std::string& text) { context.say(text); };
  return [&watcher = place_.watcher(), &clock = context_.clock,
          settings]() -> std::unique_ptr<Transport> {
    return std::make_unique<SsmTransport>(watcher, clock, settings);
  };
}

void Ec2Instance::wait_until_reachable() {
  const Monotonic begun = context_.clock.monotonic();
  const std::chrono::seconds most(options_.launch_timeout);
  for (auto pause = 1000ms;; pause = std::min<std::chrono::milliseconds>(pause * 5 / 4, 2s)) {
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
      if (has_shut_us_out(error)) return write_file_atomically(note("cleaned"), "");
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

/// An sshd without host keys, or one that does not know our key any more, takes a connection and
/// ends it. That of an instance which only boots, or is out of reach, does not do so for long.
bool Ec2Instance::has_shut_us_out(const Error& why) {
  if (!keys_ || !has_note("cleaning") || why.kind() != Error::Kind::network) return false;
  const SshWait wait{Deadline(std::chrono::steady_clock::now() + 5s), context_.stop};
  const SshSettings settings = ssh_settings();
  refusals_ = takes_connections(settings.address, wait) ? refusals_ + 1 : 0;
  if (refusals_ < enough_refusals) return false;
  place_.say(instance_.id + " does not let us in any more: it was cleaned up");
  return true;
}

bool Ec2Instance::has_note(const char* name) const {
  std::error_code error;
  return fs::exists(note(name), error);
}

void Ec2Instance::start_lease() {
  const std::chrono::seconds time = std::chrono::minutes(options_.lease);
  arm_lease(*transport_, context_.clock, time, context_.stop);
  LeaseKeeper::Ways ways;
  // By value: instance_ changes while the other thread is at work.
  ways.connect = way();
  ways.note = [id = instance_.id, &session = place_.reach().session(),
               stop = context_.stop](UnixMillis until) {
    AwsReach reach(stop, session);
    ec2::create_tags({reach.client(), {}}, {id}, {{lease_tag, rfc3339_utc(until)}}, reach.control())
        .require();
  };
  ways.say = [&context = context_](const std::string& text) { context.say(text); };
  lease_ = std::make_unique<LeaseKeeper>(std::move(ways), context_.clock, time);
}

bool Ec2Instance::is_in_state(const char* state) {
  must_be_on();
  return instance_.state == state;
}

void Ec2Instance::must_be_on() {
  const auto found = place_.watcher().instance(instance_.id, place_.control());
  const bool young = context_.clock.monotonic() - launched_ < 300s;
  if (!found && young) return;  // EC2 may not show it yet
  if (found) instance_ = *found;
  if (found && instance_.state != "terminated" && instance_.state != "shutting-down") return;
  const bool spot = was_taken_back();
  std::string why = instance_.state_reason.message;
  if (why.empty()) why = instance_.state_transition_reason;
  throw Error(Error::Kind::process,
              (spot ? "AWS has taken the spot instance " : "the instance ") + instance_.id +
                  (spot ? " back: " : " is gone: ") +
                  (why.empty() ? "it is " + (found ? instance_.state : "unknown") : why),
              spot ? without_spot : "did a step shut it down, or its lease end? Build again");
}

Ec2Instance::~Ec2Instance() {
  end_lease();
  if (!kept_) give_up();
  if (!kept_) return;
  try {
    context_.must_hold();
    context_.inventory.set_state(record_, "kept");
    const std::chrono::seconds time = std::chrono::hours(options_.keep_hours);
    if (instance_.state == "running") arm_lease(*transport_, context_.clock, time, {});
  } catch (const Error& error) {
    place_.say("warning: instance " + instance_.id + ": " + error.full_message());
  }
}

void Ec2Instance::give_up() {
  const std::string what = "instance " + instance_.id;
  AwsReach& reach = place_.reach_to_remove();
  if (record_ != 0) {
    place_.remove(record_, what, [&] {
      const bool young = context_.clock.monotonic() - launched_ < may_be_unseen;
      return remove_ec2_instances(place_.watcher(), reach, context_.clock, thing_,
                                  instance_.id.empty() || young);
    });
  }
  if (staged_ != 0) {
    place_.remove(staged_, what, [&] {
      remove_staged(reach, staged_thing(thing_, options_));
      return true;
    });
  }
}

StageEnd Ec2Instance::run(const Stage& stage) {
  std::string why;
  try {
    const StageEnd end = guest_->stages().run(stage);
    if (end == StageEnd::failed && !options_.terminate_on_failure) kept_ = true;
    if (end != StageEnd::taken_back) return end;
    why =
        "AWS takes the spot instance " + instance_.id + " back at " + guest_->stages().taken_back();
    if (!may_be_on_demand()) throw Error(Error::Kind::process, why, without_spot);
  } catch (const Error& error) {
    kept_ = error.kind() == Error::Kind::network || error.kind() == Error::Kind::timeout;
    const bool gone = instance_.state == "terminated" || instance_.state == "shutting-down";
    if (gone) guest_->stages().forget(stage);
    if (!was_taken_back() || !may_be_on_demand()) throw;
    why = error.full_message();
  }
  place_.say(why + "; the stage begins anew on demand");
  start_over_on_demand();
  return run(stage);
}

bool Ec2Instance::was_taken_back() const {
  return instance_.state_reason.code == "Server.SpotInstanceTermination" ||
         instance_.state_reason.code == "Server.SpotInstanceShutdown";
}

bool Ec2Instance::may_be_on_demand() const {
  const auto& markets = options_.market;
  return instance_.lifecycle == "spot" &&
         std::find(markets.begin(), markets.end(), "on-demand") != markets.end();
}

void Ec2Instance::start_over_on_demand() {
  write_file_atomically(taken_back_note(), instance_.id + "\n");
  context_.note_down();
  end_lease();
  give_up();
  for (const InventoryRecord& left : context_.inventory.remaining()) {
    if (left.number != record_) continue;
    throw Error(Error::Kind::timeout, "the spot instance " + instance_.id + " does not go",
                "toehold cleanup " + context_.build_id);
  }
  guest_->forget_boot();
  guest_.reset();
  forget_launch(place_, part());
  instance_ = {};
  record_ = 0;
  staged_ = 0;
  create();
}

void Ec2Instance::clean_up() {
  if (has_note("cleaned")) return;
  if (!has_note("packages-after.json")) {
    write_file_atomically(note("packages-after.json"), to_json(to_value(guest_->packages_now())));
  }
  if (options_.cleanup != "never") {
    clean_guest();
  } else if (!guest_->remove_agent()) {
    throw Error(Error::Kind::network, transport_->name() + ": the agent cannot be removed");
  }
  write_file_atomically(note("cleaned"), "");
  context_.note_down();
}

/// Where we still get in, an earlier process has begun with it at most: all of it is done again.
void Ec2Instance::clean_guest() {
  if (has_note("cleaning") && !guest_->has_agent()) guest_->restore(guest_->find_agent());
  write_file_atomically(note("cleaning"), "");
  context_.note_down();
  place_.say(guest_->clean(place_.recipe().working_directory));
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
