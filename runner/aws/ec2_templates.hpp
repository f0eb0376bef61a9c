// Launch templates of EC2: a new version with another image, and which version is the default.
// Called by distribution; makes no template.
// Source: the calls of these names in the EC2 API Reference.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2.hpp"
#include "runner/base/clock.hpp"

namespace toehold::aws::ec2 {

struct LaunchTemplate {
  std::string id;
  std::string name;
  std::int64_t default_version = 0;
  std::int64_t latest_version = 0;
  Tags tags;
};
/// One that is not there is a failure (is_not_found).
Result<std::vector<LaunchTemplate>> describe_launch_templates(const Region& region,
                                                              const std::vector<std::string>& ids,
                                                              const Control& control);

struct LaunchTemplateVersion {
  std::string template_id;
  std::int64_t number = 0;
  std::string description;
  std::string image_id;
  bool is_default = false;
  std::optional<UnixMillis> created;
};
/// `versions`: numbers, "$Latest", "$Default"; empty: all.
Result<std::vector<LaunchTemplateVersion>> describe_launch_template_versions(
    const Region& region, const std::string& template_id, const std::vector<std::string>& versions,
    const Control& control);

struct NewLaunchTemplateVersion {
  std::string template_id;
  std::string source_version;  // that the rest is taken from: a number, "$Latest", "$Default"
  std::string image_id;
  std::string description;
  std::string client_token;  // without one nothing is tried again
};
Result<LaunchTemplateVersion> create_launch_template_version(
    const Region& region, const NewLaunchTemplateVersion& version, const Control& control);
Result<Done> set_default_version(const Region& region, const std::string& template_id,
                                 std::int64_t version, const Control& control);

}  // namespace toehold::aws::ec2
