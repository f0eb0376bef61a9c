// What has to be where before an image counts as distributed, as plain data: one target for each
// account in each region. Made of the recipe's distributions and of what is known of the image;
// asks AWS nothing, so that every mistake is told before anything is copied.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2_images.hpp"
#include "runner/base/diagnostic.hpp"
#include "runner/controller/distribution_spec.hpp"
#include "runner/controller/image_name.hpp"

namespace toehold {

/// The image that is distributed.
struct SourceImage {
  std::string id;  // "ami-..."
  std::string region;
  std::string account;
  std::string name;
  std::string description;
  std::string build_id;  // its own id, if no build of ours made it
  aws::ec2::Tags tags;
  std::vector<std::string> snapshots;
  std::vector<std::string> keys;  // ARNs; none: it is not encrypted
  bool aws_key = false;           // one of them is AWS' own
};

/// One account in one region.
struct DistributionTarget {
  std::string region;
  std::string account;
  std::string role;  // ARN of what reaches the account; empty: it is ours
  bool copy = true;  // false: the image itself is meant
  std::string name;
  std::string description;
  std::string kms_key;
  aws::ec2::Tags tags;
  LaunchPermission permission;
  std::optional<UnixMillis> deprecate_at;
  std::string deregistration_protection;  // empty: as it is
  std::vector<LaunchTemplateUpdate> launch_templates;
  std::vector<ParameterUpdate> parameters;
};

struct DistributionPlan {
  std::vector<std::string> share_with;      // accounts that have to read the image to copy it
  std::vector<DistributionTarget> targets;  // in the order of the recipe; our account is first
};

/// Usable only if `diagnostics` has no errors. `facts` are of the recipe and the build; their
/// region counts nothing.
DistributionPlan plan_distribution(const SourceImage& image, const ImageFacts& facts,
                                   const std::vector<Distribution>& distributions, UnixMillis now,
                                   Diagnostics& diagnostics);

/// What the distribution of `facts.region` calls the image; empty where it says nothing. For who
/// makes the image there: an image cannot be renamed.
std::string distributed_name(const std::vector<Distribution>& distributions,
                             const ImageFacts& facts);

}  // namespace toehold
