// Where an image goes once it is built, one record a region, in the words of Image Builder's
// distribution configuration. Made by the recipe reader, carried out by distribute(); the tables
// are also what reference page and schema are written from. Asks AWS nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/diagnostic.hpp"
#include "runner/base/fields.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

struct LaunchPermission {
  std::vector<std::string> user_ids;  // accounts, 12 digits
  std::vector<std::string> user_groups;
  std::vector<std::string> organization_arns;
  std::vector<std::string> organizational_unit_arns;
  bool empty() const;
};

struct LaunchTemplateUpdate {
  std::string id;       // "lt-..."
  std::string account;  // empty: the image's own
  bool set_default = false;
  SourceLocation where;
};

struct ParameterUpdate {
  std::string name;
  std::string account;  // empty: the image's own
  std::string data_type = "aws:ec2:image";
  SourceLocation where;
};

struct Distribution {
  std::string region;
  std::string name;  // a template; empty: that of the image
  std::string description;
  std::vector<std::string> target_accounts;  // each gets a copy of its own
  Parameters ami_tags;
  std::string kms_key;
  LaunchPermission launch_permission;
  std::vector<LaunchTemplateUpdate> launch_templates;
  std::vector<ParameterUpdate> parameters;
  std::string deprecate_after;  // "90 days"
  std::string deprecate_at;     // RFC 3339, or a date
  std::string deregistration_protection;
  std::string role = "EC2ImageBuilderDistributionCrossAccountRole";  // in the target accounts
  SourceLocation where;
};

/// The grammar of one item of `distributions`.
const std::vector<FieldInfo>& distribution_fields();

/// Of what good_members has left of an item; what is not there has its default.
Distribution decode_distribution(const Value& item);

/// When an image that was built at `built` becomes deprecated: nullopt where nothing says so, and
/// for texts that the reader refuses. Months and years are those of the calendar, in UTC.
std::optional<UnixMillis> deprecation_time(const Distribution& distribution, UnixMillis built);

/// AWS' own key for EBS, by its alias: what it encrypts cannot be shared.
bool is_aws_managed_key(const std::string& key);

}  // namespace toehold
