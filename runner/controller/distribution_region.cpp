#include "runner/controller/distribution_region.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "runner/aws/ec2_templates.hpp"
#include "runner/aws/ssm.hpp"
#include "runner/aws/ssm_commands.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

namespace ec2 = aws::ec2;

std::vector<std::string> missing_in(const std::vector<std::string>& there,
                                    const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& one : wanted) {
    if (std::find(there.begin(), there.end(), one) == there.end()) missing.push_back(one);
  }
  return missing;
}

/// One target with what it needs to be worked on.
class Work {
 public:
  Work(const SourceImage& image, const DistributionTarget& target, aws::Session& session,
       const CopyTools& tools)
      : image_(image), target_(target), client_(session), copy_(image, target, client_, tools) {
    result_.region = target.region;
    result_.account = target.account;
    result_.name = target.copy ? target.name : image.name;
    result_.state = "pending";
  }

  void begin() {
    guarded([&] {
      if (target_.copy) copy_.begin();
    });
  }

  void finish(CopyInventory& inventory) {
    guarded([&] {
      const ec2::Image there = target_.copy ? copy_.finish() : the_image();
      result_.image = there.id;
      result_.name = there.name;
      if (copy_.is_new()) result_.changes.emplace_back("copied");
      tags(there);
      permission(there);
      deprecation(there);
      protection(there);
      for (const LaunchTemplateUpdate& one : target_.launch_templates) launch_template(one);
      for (const ParameterUpdate& one : target_.parameters) parameter(one);
      if (target_.copy) inventory.deliver(copy_.thing());
      result_.state = "available";
    });
  }

  DistributionResult take() { return std::move(result_); }

 private:
  template <class Part>
  void guarded(const Part& part) {
    if (result_.state == "failed") return;
    try {
      part();
    } catch (const Error& error) {
      result_.state = "failed";
      result_.message = error.full_message();
      if (!error.hint().empty()) result_.message += " (" + error.hint() + ")";
    } catch (const std::exception& error) {  // this is all that a thread does
      result_.state = "failed";
      result_.message = error.what();
    }
  }

  ec2::Image the_image() {
    auto found = ec2::describe_images(region(), {image_.id}, control()).require();
    if (!found.empty()) return std::move(found.front());
    throw Error(Error::Kind::aws, image_.id + " in " + target_.region + " is gone",
                "somebody has deregistered it meanwhile; build it again");
  }

  void tags(const ec2::Image& there) {
    ec2::Tags missing;
    for (const auto& [key, value] : target_.tags) {
      const auto at = there.tags.find(key);
      if (at == there.tags.end() || at->second != value) missing[key] = value;
    }
    if (missing.empty()) return;
    std::vector<std::string> ids = there.snapshot_ids();
    ids.insert(ids.begin(), there.id);
    ec2::create_tags(region(), ids, missing, control()).require();
    missing.erase(lease_tag);
    // A new copy comes with the others.
    if (!missing.empty() && !copy_.is_new()) done(count_of(missing.size(), "tag"));
  }

  void permission(const ec2::Image& there) {
    const LaunchPermission& wanted = target_.permission;
    if (wanted.empty()) return;
    const auto known = ec2::launch_permission(region(), there.id, control()).require();
    ec2::LaunchPermission add;
    add.user_ids = missing_in(known.user_ids, wanted.user_ids);
    add.groups = missing_in(known.groups, wanted.user_groups);
    add.organization_arns = missing_in(known.organization_arns, wanted.organization_arns);
    add.organizational_unit_arns =
        missing_in(known.organizational_unit_arns, wanted.organizational_unit_arns);
    if (add.empty()) return;
    ec2::modify_launch_permission(region(), there.id, add, {}, control()).require();
    done(count_of(add.user_ids.size() + add.groups.size() + add.organization_arns.size() +
                      add.organizational_unit_arns.size(),
                  "launch permission"));
  }

  void deprecation(const ec2::Image& there) {
    if (!target_.deprecate_at) return;
    constexpr UnixMillis minute = 60'000;  // EC2 keeps whole ones
    if (there.deprecated && std::abs(*there.deprecated - *target_.deprecate_at) < minute) return;
    ec2::enable_image_deprecation(region(), there.id, *target_.deprecate_at, control()).require();
    done("deprecated at " + rfc3339_utc(*target_.deprecate_at));
  }

  void protection(const ec2::Image& there) {
    const std::string& wanted = target_.deregistration_protection;
    if (wanted.empty() || wanted == there.deregistration_protection) return;
    const bool with_cooldown = wanted == "enabled-with-cooldown";
    ec2::enable_image_deregistration_protection(region(), there.id, with_cooldown, control())
        .require();
    done("protected");
  }

  void launch_template(const LaunchTemplateUpdate& update) {
    const auto known = ec2::describe_launch_template_versions(region(), update.id,
                                                              {"$Latest", "$Default"}, control())
                           .require();
    ec2::LaunchTemplateVersion newest;
    for (const ec2::LaunchTemplateVersion& one : known) {
      if (one.number > newest.number) newest = one;
    }
    if (newest.image_id != result_.image) {
      ec2::NewLaunchTemplateVersion version;
      version.template_id = update.id;
      version.source_version = "$Latest";
      version.image_id = result_.image;
      version.description = result_.name.substr(0, 255);
      version.client_token =
          client_token({image_.build_id, update.id, result_.image, std::to_string(newest.number)});
      newest = ec2::create_launch_template_version(region(), version, control()).require();
      done(update.id + " version " + std::to_string(newest.number));
    }
    if (!update.set_default || newest.is_default) return;
    ec2::set_default_version(region(), update.id, newest.number, control()).require();
    done(update.id + " default " + std::to_string(newest.number));
  }

  void parameter(const ParameterUpdate& update) {
    const auto known = aws::find_parameter(client_, target_.region, update.name, control());
    if (known && known->value == result_.image) return;
    aws::NewParameter parameter;
    parameter.name = update.name;
    parameter.value = result_.image;
    parameter.data_type = update.data_type;
    parameter.description = "Image " + result_.name;
    aws::put_parameter(client_, target_.region, parameter, control());
    done("parameter " + update.name);
  }

  void done(std::string what) { result_.changes.push_back(std::move(what)); }
  const ec2::Region& region() const { return copy_.region(); }
  aws::Control control() const { return copy_.control(); }

  const SourceImage& image_;
  const DistributionTarget& target_;
  aws::Client client_;
  ImageCopy copy_;
  DistributionResult result_;
};

}  // namespace

std::vector<DistributionResult> distribute_in_region(const SourceImage& image,
                                                     const std::vector<DistributionTarget>& targets,
                                                     const SessionOf& session_of,
                                                     const CopyTools& tools) {
  std::vector<std::unique_ptr<Work>> works;
  for (const DistributionTarget& target : targets) {
    works.push_back(std::make_unique<Work>(image, target, session_of(target), tools));
    works.back()->begin();
  }
  std::vector<DistributionResult> results;
  for (const auto& work : works) {
    work->finish(tools.inventory);
    results.push_back(work->take());
    const DistributionResult& result = results.back();
    const std::string place = result.region + (targets.size() > 1 ? " " + result.account : "");
    if (result.state == "failed") {
      tools.tell(place + "  FAILED: " + result.message);
    } else {
      tools.tell(place + "  " + result.image + " " +
                 (result.changes.empty() ? "was there already" : join(result.changes, ", ")));
    }
  }
  return results;
}

}  // namespace toehold
