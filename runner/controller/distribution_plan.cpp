#include "runner/controller/distribution_plan.hpp"

#include <algorithm>
#include <set>

#include "runner/aws/endpoint.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

namespace {

template <class T>
bool contains(const std::vector<T>& items, const T& item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

aws::ec2::Tags filled(const Parameters& tags, const ImageFacts& facts) {
  aws::ec2::Tags result;
  for (const auto& [key, value] : tags) result[key] = fill_placeholders(value, facts);
  return result;
}

class Planner {
 public:
  Planner(const SourceImage& image, ImageFacts facts, UnixMillis now, Diagnostics& diagnostics)
      : image_(image), facts_(std::move(facts)), now_(now), diagnostics_(diagnostics) {}

  /// What the image itself gets is not of its copies, which have lists of their own.
  void keep_here(const Parameters& tags) {
    for (const auto& [key, value] : tags) only_here_.insert(key);
  }

  void add(const Distribution& distribution) {
    facts_.region = distribution.region;
    check_accounts(distribution);
    DistributionTarget target = own_target(distribution);
    check(distribution, target);
    plan_.targets.push_back(target);
    for (const std::string& account : distribution.target_accounts) {
      if (account == image_.account) continue;
      if (!contains(plan_.share_with, account)) plan_.share_with.push_back(account);
      plan_.targets.push_back(other_target(distribution, account, target));
    }
  }

  DistributionPlan take() { return std::move(plan_); }

 private:
  void wrong(SourceLocation where, const std::string& message, const std::string& hint) {
    diagnostics_.error(codes::invalid_value, where, message, hint);
  }

  /// An alias may mean any key: then it is not known to be.
  bool is_encrypted_with(const std::string& key) const {
    return !image_.keys.empty() &&
           std::all_of(image_.keys.begin(), image_.keys.end(), [&](const std::string& known) {
             return known == key || known.ends_with(":key/" + key);
           });
  }

  DistributionTarget own_target(const Distribution& distribution) {
    DistributionTarget target;
    target.region = distribution.region;
    target.account = image_.account;
    const bool here = distribution.region == image_.region;
    target.copy =
        !here || !(distribution.kms_key.empty() || is_encrypted_with(distribution.kms_key));
    target.permission = distribution.launch_permission;
    fill(distribution, target);
    if (here && target.copy && target.name == image_.name) {
      wrong(distribution.where,
            "the copy that 'kmsKeyId' makes in " + image_.region + " needs a name of its own",
            "add 'name' to amiDistributionConfiguration; the image is called " + image_.name);
    }
    return target;
  }

  DistributionTarget other_target(const Distribution& distribution, const std::string& account,
                                  const DistributionTarget& own) {
    DistributionTarget target = own;
    target.account = account;
    target.copy = true;
    target.role = std::string("arn:") + aws::partition_of(distribution.region).name +
                  ":iam::" + account + ":role/" + distribution.role;
    target.permission = {};  // of our own image: who owns a copy shares it
    fill(distribution, target);
    return target;
  }

  /// What a target has of its distribution and its account.
  void fill(const Distribution& distribution, DistributionTarget& target) {
    target.name =
        distribution.name.empty() ? image_.name : fill_placeholders(distribution.name, facts_);
    target.description = distribution.description.empty()
                             ? image_.description
                             : fill_placeholders(distribution.description, facts_);
    target.kms_key = distribution.kms_key;
    target.deprecate_at = deprecation_time(distribution, facts_.built);
    target.deregistration_protection = distribution.deregistration_protection;
    target.tags = filled(distribution.ami_tags, facts_);
    if (target.copy) target.tags = tags_of_copy(target);
    const auto is_for = [&](const std::string& account) {
      return account == target.account || (account.empty() && target.role.empty());
    };
    target.launch_templates.clear();
    for (const LaunchTemplateUpdate& one : distribution.launch_templates) {
      if (is_for(one.account)) target.launch_templates.push_back(one);
    }
    target.parameters.clear();
    for (const ParameterUpdate& one : distribution.parameters) {
      if (is_for(one.account)) target.parameters.push_back(one);
    }
  }

  /// Those of the image, those of the distribution, and ours.
  aws::ec2::Tags tags_of_copy(const DistributionTarget& target) const {
    Parameters more;
    for (const auto& [key, value] : image_.tags) {
      const bool of_image = key.starts_with("aws:") || key.starts_with("toehold:") ||
                            (key == "Name" && value == image_.name) || only_here_.contains(key);
      if (!of_image && !target.tags.contains(key)) more.emplace_back(key, value);
    }
    for (const auto& [key, value] : target.tags) more.emplace_back(key, value);
    Ec2Thing thing;
    thing.build = image_.build_id;
    thing.part = "copy";
    aws::ec2::Tags tags = ec2_tags(thing, target.name, more);
    tags[lease_tag] = delivered;
    return tags;
  }

  void check_accounts(const Distribution& distribution) {
    const auto check_one = [&](const std::string& account, SourceLocation where,
                               const std::string& what) {
      if (account.empty() || account == image_.account ||
          contains(distribution.target_accounts, account)) {
        return;
      }
      wrong(where,
            what + " is in account " + account + ", which gets no image in " + distribution.region,
            "add " + account + " to targetAccountIds, or take an account of these: " +
                image_.account + (distribution.target_accounts.empty() ? "" : ", ") +
                join(distribution.target_accounts, ", "));
    };
    for (const LaunchTemplateUpdate& one : distribution.launch_templates) {
      check_one(one.account, one.where, "the launch template " + one.id);
    }
    for (const ParameterUpdate& one : distribution.parameters) {
      check_one(one.account, one.where, "the parameter " + one.name);
    }
  }

  void check(const Distribution& distribution, const DistributionTarget& target) {
    const std::string problem = image_name_problem(target.name);
    if (!problem.empty()) {
      wrong(distribution.where, "the name '" + target.name + "' " + problem,
            "shorten 'name' of amiDistributionConfiguration");
    }
    check_encryption(distribution, target);
    if (!target.deprecate_at) return;
    constexpr UnixMillis ten_years = 3652LL * 24 * 3600 * 1000;
    if (*target.deprecate_at <= now_) {
      wrong(distribution.where,
            "the image would have been deprecated since " + rfc3339_utc(*target.deprecate_at),
            "write a later time");
    } else if (*target.deprecate_at > now_ + ten_years) {
      wrong(distribution.where,
            "the image would be deprecated at " + rfc3339_utc(*target.deprecate_at) +
                ", and EC2 takes no time that is more than 10 years away",
            "write an earlier time");
    }
  }

  /// What cannot be shared is told before anything is copied.
  void check_encryption(const Distribution& distribution, const DistributionTarget& target) {
    const bool other_accounts =
        std::any_of(distribution.target_accounts.begin(), distribution.target_accounts.end(),
                    [&](const std::string& account) { return account != image_.account; });
    if (other_accounts && image_.aws_key) {
      wrong(distribution.where,
            image_.id + " is encrypted with AWS' own key and cannot be shared with the accounts " +
                join(distribution.target_accounts, ", "),
            "build it with a key of yours that these accounts may use");
    }
    const LaunchPermission& permission = distribution.launch_permission;
    const bool encrypted = !image_.keys.empty() || !target.kms_key.empty();
    if (permission.empty() || !encrypted) return;
    if (!permission.user_groups.empty()) {
      wrong(distribution.where, image_.id + " is encrypted, and such an image cannot be public",
            "leave 'all' out of 'userGroups'");
    } else if (!target.copy && image_.aws_key) {
      wrong(distribution.where,
            image_.id + " is encrypted with AWS' own key, which gives nobody else leave to use it",
            "add 'kmsKeyId' with a key of yours, or leave out 'launchPermission'");
    } else if (target.copy && target.kms_key.empty()) {
      wrong(distribution.where,
            "the copy in " + distribution.region +
                " would be encrypted with the default key there, which nobody else may use",
            "add 'kmsKeyId' with a key of the region that is yours");
    }
  }

  const SourceImage& image_;
  ImageFacts facts_;
  UnixMillis now_;
  Diagnostics& diagnostics_;
  std::set<std::string> only_here_;  // keys of tags
  DistributionPlan plan_;
};

}  // namespace

DistributionPlan plan_distribution(const SourceImage& image, const ImageFacts& facts,
                                   const std::vector<Distribution>& distributions, UnixMillis now,
                                   Diagnostics& diagnostics) {
  Planner planner(image, facts, now, diagnostics);
  for (const Distribution& distribution : distributions) {
    if (distribution.region == image.region) planner.keep_here(distribution.ami_tags);
  }
  for (const Distribution& distribution : distributions) planner.add(distribution);
  return planner.take();
}

std::string distributed_name(const std::vector<Distribution>& distributions,
                             const ImageFacts& facts) {
  for (const Distribution& distribution : distributions) {
    if (distribution.region != facts.region) continue;
    return fill_placeholders(distribution.name, facts);
  }
  return {};
}

}  // namespace toehold
