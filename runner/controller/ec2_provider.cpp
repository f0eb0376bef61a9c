#include "runner/controller/ec2_provider.hpp"

#include <algorithm>

#include "runner/aws/sts.hpp"
#include "runner/base/error.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/ec2_image.hpp"
#include "runner/controller/ec2_instance.hpp"
#include "runner/controller/ec2_launch.hpp"
#include "runner/controller/ec2_network.hpp"
#include "runner/controller/ec2_outcome.hpp"
#include "runner/controller/ec2_staging.hpp"
#include "runner/controller/remote_documents.hpp"

namespace toehold {

namespace {

/// A copy in another account is removed there.
bool remove_image(AwsReach& reach, const Ec2Thing& thing, const ImageRemoval& how) {
  if (thing.role.empty()) {
    return remove_ec2_image({reach.client(), {}}, thing, how, reach.control());
  }
  aws::Role role;
  role.arn = thing.role;
  const auto session = aws::session_for_role(reach.session(), role);
  aws::Client client(*session);
  return remove_ec2_image({client, thing.region}, thing, how, reach.control());
}

bool remove_thing(const InventoryRecord& record, AwsReach& reach, const Ec2Thing& thing) {
  const bool may_be_young = record.state == "planned";
  SystemClock clock;
  if (record.kind == "instance") {
    aws::Watcher watcher(reach.session());
    return remove_ec2_instances(watcher, reach, clock, thing, may_be_young);
  }
  if (record.kind == "image") return remove_image(reach, thing, {clock, may_be_young});
  if (record.kind == "security-group") return remove_security_group(reach, thing, clock);
  if (record.kind == "key-pair") return remove_key_pair(reach, thing);
  if (record.kind == "staging") {
    remove_staged(reach, thing);
    return true;
  }
  return false;
}

bool remove_record(const InventoryRecord& record) {
  const Ec2Thing thing = read_record_id(record.id);
  try {
    AwsReach reach({}, thing.region);
    return remove_thing(record, reach, thing);
  } catch (const Error& error) {
    say_of_ec2(error.full_message());
    return false;
  }
}

/// Held by the instances of a build: what they have in common goes after the last of them.
class Ec2Build final : public Ec2Place {
 public:
  using Ec2Place::Ec2Place;
  ~Ec2Build() {
    const std::vector<InventoryRecord> left = context().inventory.remaining();
    if (std::any_of(left.begin(), left.end(),
                    [](const auto& record) { return record.kind == "instance"; })) {
      return;
    }
    for (const InventoryRecord& record : left) {
      if (record.kind != "security-group" && record.kind != "key-pair") continue;
      remove(record.number, record.kind,
             [&] { return remove_thing(record, reach_to_remove(), read_record_id(record.id)); });
    }
  }
};

class Ec2Provider final : public Provider {
 public:
  ProviderInfo info() const override {
    ProviderInfo info{ec2_target, "An instance of EC2, and a machine image of it", {}, true};
    info.distributes = true;
    return info;
  }

  void check_recipe(const Recipe& recipe, Diagnostics& diagnostics) override {
    for (const OutputSpec& output : recipe.outputs) {
      diagnostics.error(codes::invalid_value, output.where,
                        "target 'ec2' makes a machine image and writes no files",
                        "leave 'outputs' out");
    }
    const Value& extra = recipe.additional_instance_configuration;
    const Value* agent = extra.is_map() ? extra.find("systemsManagerAgent") : nullptr;
    const Value* uninstall =
        agent && agent->is_map() ? agent->find("uninstallAfterBuild") : nullptr;
    if (uninstall && uninstall->as_yaml_bool().value_or(false)) {
      diagnostics.warning(codes::invalid_value, uninstall->where,
                          "the agent of Systems Manager stays in the image",
                          "remove its package in the last step of the build, with `connect: ssh`");
    }
  }

  void check(const Recipe& recipe, const std::vector<DocumentRun>& documents,
             Diagnostics& diagnostics) override {
    warn_of_unsent_documents(documents, diagnostics);
    if (ec2_options(recipe).connect != "ssh" || find_in_path("ssh-keygen")) return;
    throw Error(Error::Kind::unsupported, "the target ec2 needs ssh-keygen for `connect: ssh`",
                "apt-get install openssh-client");
  }

  std::unique_ptr<Instance> launch(const Recipe& recipe, const Snapshot* from,
                                   const BuildContext& context) override {
    return std::make_unique<Ec2Instance>(place(recipe, context),
                                         dynamic_cast<const Ec2Image*>(from), from != nullptr);
  }

  std::unique_ptr<Instance> find(const Recipe& recipe, bool of_test,
                                 const BuildContext& context) override {
    const std::vector<InventoryRecord> records = context.inventory.remaining();
    const bool there = std::any_of(records.begin(), records.end(), [](const auto& record) {
      return record.kind == "instance" && record.state != "planned";
    });
    if (!there) {
      throw Error(Error::Kind::io, "nothing is left of build " + context.build_id,
                  "build it again with --on-failure=keep");
    }
    return std::make_unique<Ec2Instance>(place(recipe, context), nullptr, of_test);
  }

  CopyPlace copy_place(const Recipe& recipe) const override {
    const Ec2Options options = ec2_options(recipe);
    std::string address = lower(options.state) == "none" ? std::string() : options.state;
    if (options.state.empty() && options.connect == "ssm") address = options.staging;
    return {address, options.region};
  }

  void end_of_build(const Recipe& recipe, const BuildContext& context,
                    const BuildOutcome& outcome) override {
    tell_ec2_outcome(recipe, context, outcome);
  }

  bool is_withdrawn(const InventoryRecord& record) override {
    if (record.kind != "image") return false;
    const Ec2Thing thing = read_record_id(record.id);
    if (thing.part != "image") return false;
    AwsReach reach({}, thing.region);
    return !is_delivered_there({reach.client(), {}}, thing, reach.control());
  }

  bool remove(const InventoryRecord& record, ProcessRunner&) override {
    return remove_record(record);
  }

 private:
  /// One for the instances of the build.
  std::shared_ptr<Ec2Place> place(const Recipe& recipe, const BuildContext& context) {
    auto place = place_.lock();
    if (!place) place_ = place = std::make_shared<Ec2Build>(recipe, context);
    return place;
  }

  std::weak_ptr<Ec2Place> place_;
};

}  // namespace

std::unique_ptr<Provider> make_ec2_provider() {
  return std::make_unique<Ec2Provider>();
}

}  // namespace toehold
