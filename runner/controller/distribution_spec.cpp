#include "runner/controller/distribution_spec.hpp"

#include <algorithm>

#include "runner/aws/credential_sources.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// The records of the tables below; nested ones stay values until they are decoded themselves.
struct AmiRecord {
  std::string name;
  std::string description;
  std::vector<std::string> target_accounts;
  Parameters ami_tags;
  std::string kms_key;
  Value launch_permission;
};

struct DistributionRecord {
  std::string region;
  Value ami;
  Value launch_templates;
  Value parameters;
  std::string deprecate_after;
  std::string deprecate_at;
  std::string deregistration_protection;
  std::string role = Distribution{}.role;
};

// clang-format off
// Names and limits: the API model of Image Builder (2019-12-02).
const Fields<LaunchPermission>& permission_table() {
  static const Fields<LaunchPermission> table = Fields<LaunchPermission>{}
      .optional("userIds", &LaunchPermission::user_ids, "Accounts.")
      .optional("userGroups", &LaunchPermission::user_groups, "`all` makes the image public.")
      .optional("organizationArns", &LaunchPermission::organization_arns, "Organizations.")
      .optional("organizationalUnitArns", &LaunchPermission::organizational_unit_arns, "Organizational units.");
  return table;
}

const Fields<AmiRecord>& ami_table() {
  static const Fields<AmiRecord> table = Fields<AmiRecord>{}
      .optional("name", &AmiRecord::name, "Name of the image there, with placeholders (see below).", "that of the image that is copied")
      .optional("description", &AmiRecord::description, "Description of the image there, with placeholders.", "that of the image that is copied")
      .optional("targetAccountIds", &AmiRecord::target_accounts, "Accounts that get a copy of their own in the region.")
      .optional("amiTags", &AmiRecord::ami_tags, "Further tags of the image and its snapshots. Their values may have placeholders.")
      .optional("kmsKeyId", &AmiRecord::kms_key, "Key of the region that encrypts the copy: its ARN, id or `alias/NAME`.", "as the image is encrypted, with the key of the region for EBS")
      .optional_record("launchPermission", &AmiRecord::launch_permission, permission_table().info(), "Who else may start the image.");
  return table;
}

const Fields<LaunchTemplateUpdate>& template_table() {
  static const Fields<LaunchTemplateUpdate> table = Fields<LaunchTemplateUpdate>{}
      .required("launchTemplateId", &LaunchTemplateUpdate::id, "Launch template that gets a new version with the image.")
      .optional("accountId", &LaunchTemplateUpdate::account, "Account of the template: ours or one of `targetAccountIds`.", "ours")
      .optional("setDefaultVersion", &LaunchTemplateUpdate::set_default, "The new version becomes the default.", "false");
  return table;
}

const Fields<ParameterUpdate>& parameter_table() {
  static const Fields<ParameterUpdate> table = Fields<ParameterUpdate>{}
      .required("parameterName", &ParameterUpdate::name, "Parameter of Parameter Store that gets the image's id.")
      .optional("amiAccountId", &ParameterUpdate::account, "Account of image and parameter: ours or one of `targetAccountIds`.", "ours")
      .optional("dataType", &ParameterUpdate::data_type, "Data type of the parameter.", "aws:ec2:image").choices({"text", "aws:ec2:image"});
  return table;
}

const Fields<DistributionRecord>& table() {
  static const Fields<DistributionRecord> fields = Fields<DistributionRecord>{}
      .required("region", &DistributionRecord::region, "Region that the image is brought to. In the region that it was built in, the image itself gets what the rest says.")
      .optional_record("amiDistributionConfiguration", &DistributionRecord::ami, ami_table().info(), "The image there.")
      .optional_records("launchTemplateConfigurations", &DistributionRecord::launch_templates, template_table().info(), "Launch templates that start the new image from now on.")
      .optional_records("ssmParameterConfigurations", &DistributionRecord::parameters, parameter_table().info(), "Parameters that hold the image's id.")
      .optional("deprecateAfter", &DistributionRecord::deprecate_after, "How long after its build the image becomes deprecated: `90 days`, `12 weeks`, `6 months`, `2 years`.")
      .optional("deprecateAt", &DistributionRecord::deprecate_at, "When it becomes deprecated: `2027-01-31`, or `2027-01-31T12:00:00Z`.")
      .optional("deregistrationProtection", &DistributionRecord::deregistration_protection, "Whether the image can be deregistered before its protection is taken away (and, with cooldown, 24 hours after that).").choices({"enabled-without-cooldown", "enabled-with-cooldown"})
      .optional("role", &DistributionRecord::role, "Role of the target accounts that makes the copies there.", Distribution{}.role);
  return fields;
}
// clang-format on

/// `number` and `unit` of "90 days".
std::optional<std::pair<std::int64_t, std::string>> parse_span(const std::string& text) {
  const std::string_view trimmed = trim(text);
  const std::size_t digits = std::min(trimmed.find_first_not_of("0123456789"), trimmed.size());
  const auto number = Value::scalar(Value::Kind::string, std::string(trimmed.substr(0, digits)));
  std::string unit = lower(trim(trimmed.substr(digits)));
  if (unit.ends_with('s')) unit.pop_back();
  const auto count = number.as_int();
  if (!count || *count < 1 || *count > 3650) return std::nullopt;
  return std::pair(*count, unit);
}

std::optional<UnixMillis> later(UnixMillis from, std::int64_t count, const std::string& unit) {
  using namespace std::chrono;
  constexpr UnixMillis day = 24 * 3600 * 1000;
  if (unit == "day") return from + count * day;
  if (unit == "week") return from + count * 7 * day;
  if (unit != "month" && unit != "year") return std::nullopt;
  const sys_time<milliseconds> time{milliseconds(from)};
  const sys_days date = floor<days>(time);
  const months more(static_cast<int>(unit == "year" ? count * 12 : count));
  year_month_day then = year_month_day(date) + more;
  if (!then.ok()) then = then.year() / then.month() / last;
  return (sys_time<milliseconds>(sys_days(then)) + (time - date)).time_since_epoch().count();
}

}  // namespace

bool LaunchPermission::empty() const {
  return user_ids.empty() && user_groups.empty() && organization_arns.empty() &&
         organizational_unit_arns.empty();
}

const std::vector<FieldInfo>& distribution_fields() {
  return table().info();
}

Distribution decode_distribution(const Value& item) {
  const auto record = table().decode_good(item);
  const auto ami = ami_table().decode_good(record.ami.is_map() ? record.ami : Value(Value::Map()));
  Distribution distribution;
  distribution.region = record.region;
  distribution.name = ami.name;
  distribution.description = ami.description;
  distribution.target_accounts = ami.target_accounts;
  distribution.ami_tags = ami.ami_tags;
  distribution.kms_key = ami.kms_key;
  if (ami.launch_permission.is_map()) {
    distribution.launch_permission = permission_table().decode_good(ami.launch_permission);
  }
  for (const Value& one : record.launch_templates.list()) {
    distribution.launch_templates.push_back(template_table().decode_good(one));
    distribution.launch_templates.back().where = one.where;
  }
  for (const Value& one : record.parameters.list()) {
    distribution.parameters.push_back(parameter_table().decode_good(one));
    distribution.parameters.back().where = one.where;
  }
  distribution.deprecate_after = record.deprecate_after;
  distribution.deprecate_at = record.deprecate_at;
  distribution.deregistration_protection = record.deregistration_protection;
  distribution.role = record.role;
  distribution.where = item.where;
  return distribution;
}

std::optional<UnixMillis> deprecation_time(const Distribution& distribution, UnixMillis built) {
  if (!distribution.deprecate_at.empty()) {
    const std::string& text = distribution.deprecate_at;
    const bool date = text.find('T') == std::string::npos;
    return aws::iso_time(date ? text + "T00:00:00Z" : text);
  }
  const auto span = parse_span(distribution.deprecate_after);
  return span ? later(built, span->first, span->second) : std::nullopt;
}

bool is_aws_managed_key(const std::string& key) {
  return key == "alias/aws/ebs" || key.ends_with(":alias/aws/ebs");
}

}  // namespace toehold
