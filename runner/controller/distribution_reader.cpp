#include "runner/controller/distribution_reader.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "runner/base/text.hpp"
#include "runner/controller/aws_names.hpp"
#include "runner/controller/image_name.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/template.hpp"

namespace toehold {

namespace {

/// arn:PARTITION:organizations::ACCOUNT:KIND/o-...
bool is_organization_arn(const std::string& text, const std::string& kind) {
  const std::vector<std::string> parts = split(text, ':');
  return parts.size() == 6 && parts[0] == "arn" && parts[2] == "organizations" &&
         is_account(parts[4]) && parts[5].starts_with(kind + "/o-");
}

const Value* given(const Value& map, const char* key) {
  const Value* value = map.find(key);
  return value && !value->is_null() ? value : nullptr;
}

class DistributionReader {
 public:
  DistributionReader(const Recipe& recipe, Diagnostics& diagnostics)
      : recipe_(recipe), diagnostics_(diagnostics) {}

  std::vector<Distribution> read(const Value& list) {
    std::vector<Distribution> distributions;
    if (!list.is_list() || list.list().empty()) {
      diagnostics_.error(codes::wrong_type, list.where,
                         std::string("'distributions' of the recipe takes a list, not ") +
                             (list.is_list() ? "an empty list" : kind_name(list)),
                         "write\ndistributions:\n  - region: eu-west-1");
      return distributions;
    }
    for (const Value& item : list.list()) {
      const Value good =
          good_members(distribution_fields(), item, "a distribution", diagnostics_).map;
      distributions.push_back(decode_distribution(good));
      check(distributions.back(), good);
    }
    return distributions;
  }

 private:
  void check(const Distribution& distribution, const Value& item) {
    region(distribution, item);
    if (const Value* ami = given(item, "amiDistributionConfiguration")) {
      name(distribution, *ami);
      text(*ami, "description", 255);
      accounts(*ami, "targetAccountIds");
      tags(*ami);
      key(distribution, *ami);
      if (const Value* permission = given(*ami, "launchPermission")) permissions(*permission);
    }
    templates(distribution, item);
    parameters(distribution, item);
    deprecation(distribution, item);
    role(distribution, item);
  }

  void wrong(const Value& value, const std::string& message, const std::string& hint = {}) {
    diagnostics_.error(codes::invalid_value, value.where, message, hint);
  }
  void twice(SourceLocation where, const std::string& message,
             const std::string& hint = "leave one of them out") {
    diagnostics_.error(codes::duplicate_name, where, message, hint);
  }

  void region(const Distribution& distribution, const Value& item) {
    const Value* value = item.find("region");
    if (!value) return;
    if (!is_region(distribution.region)) {
      return wrong(*value, "'" + distribution.region + "' is no region",
                   "write the code of one, such as eu-west-1");
    }
    const auto [first, added] = regions_.emplace(distribution.region, value->where.line);
    if (!added) {
      twice(value->where,
            "the region " + distribution.region + " is there twice, on line " +
                std::to_string(first->second) + " already",
            "put into the first what both say, and leave the other out");
    }
  }

  /// Whether all placeholders are known.
  bool placeholders(const Value& value, bool& of_build) {
    bool known = true;
    std::vector<std::string> names;
    for (const Placeholder& one : image_placeholders()) names.emplace_back(one.name);
    for (const auto& part : parse_template(value.text()).parts) {
      const auto* reference = std::get_if<Reference>(&part);
      if (!reference) continue;
      const auto& all = image_placeholders();
      const auto at = std::find_if(all.begin(), all.end(), [&](const Placeholder& one) {
        return reference->inner == one.name;
      });
      if (at != all.end()) {
        of_build = of_build || at->of_build;
        continue;
      }
      known = false;
      const std::string hint = did_you_mean(reference->inner, names);
      diagnostics_.error(
          codes::unknown_reference,
          diagnostics_.source() ? locate(*reference, value, *diagnostics_.source()) : value.where,
          "there is no placeholder " + reference->raw,
          hint.empty() ? "there are " + join(names, ", ") : hint);
    }
    return known;
  }

  /// As long as it will be: every placeholder has its length.
  std::string sample(const std::string& text, const std::string& region) const {
    return fill_placeholders(
        text, {recipe_.name, recipe_.version, recipe_.name + "-20261126-050102-000000", region, 0});
  }

  void name(const Distribution& distribution, const Value& ami) {
    const Value* value = given(ami, "name");
    if (!value) return;
    bool of_build = false;
    if (!placeholders(*value, of_build)) return;
    const std::string filled = sample(distribution.name, distribution.region);
    const std::string problem = image_name_problem(filled);
    if (!problem.empty()) {
      const bool same = filled == distribution.name;
      return wrong(*value,
                   "'" + distribution.name + "' " +
                       (same ? problem : "becomes '" + filled + "', which " + problem),
                   "write one such as web {{ imagebuilder:buildDate }}");
    }
    if (of_build) return;
    wrong(*value, "every build would call its image '" + filled + "', which EC2 takes only once",
          "add {{ imagebuilder:buildDate }} to the name");
  }

  void text(const Value& map, const char* key, std::size_t most) {
    const Value* value = given(map, key);
    bool of_build = false;
    if (!value || !placeholders(*value, of_build)) return;
    if (value->text().size() <= most) return;
    wrong(*value,
          std::string("'") + key + "' of a distribution has more than " + std::to_string(most) +
              " characters",
          "EC2 takes no more: write it shorter");
  }

  void tags(const Value& ami) {
    read_tags(ami, "amiTags", diagnostics_);
    const Value* map = given(ami, "amiTags");
    if (!map) return;
    bool of_build = false;
    for (const auto& member : map->map()) placeholders(member.value, of_build);
  }

  void accounts(const Value& map, const char* key) {
    std::set<std::string> seen;
    each(map, key, [&](const Value& item) {
      if (!is_account(item.text())) {
        wrong(item, "'" + item.text() + "' of '" + key + "' is no account", "an id has 12 digits");
      } else if (!seen.insert(item.text()).second) {
        twice(item.where, "the account " + item.text() + " is in '" + key + "' twice");
      }
    });
  }

  template <class Check>
  void each(const Value& map, const char* key, const Check& check_one) {
    const Value* list = given(map, key);
    if (!list) return;
    for (const Value& item : list->list()) check_one(item);
  }

  void key(const Distribution& distribution, const Value& ami) {
    const Value* value = given(ami, "kmsKeyId");
    if (!value) return;
    const std::vector<std::string> arn = split(distribution.kms_key, ':');
    if (arn.front() == "arn" && (arn.size() < 6 || arn[2] != "kms")) {
      return wrong(*value, "'" + distribution.kms_key + "' is no ARN of a key",
                   "write arn:aws:kms:REGION:ACCOUNT:key/ID, or the key's id or alias");
    }
    if (arn.front() == "arn" && is_region(distribution.region) && arn[3] != distribution.region) {
      wrong(*value,
            "the key is in " + arn[3] + ", and the region of the distribution is " +
                distribution.region,
            "take a key of the region");
    }
    const auto& permission = distribution.launch_permission;
    if (!permission.user_groups.empty()) {
      wrong(*value, "an image that is encrypted cannot be public",
            "leave out 'kmsKeyId', or 'all' of 'userGroups'");
    } else if (is_aws_managed_key(distribution.kms_key) &&
               (!permission.empty() || !distribution.target_accounts.empty())) {
      wrong(*value, "an image that is encrypted with AWS' own key cannot be shared",
            "take a key of yours that the other accounts may use");
    }
  }

  void permissions(const Value& permission) {
    accounts(permission, "userIds");
    each(permission, "userGroups", [&](const Value& item) {
      if (item.text() != "all") {
        wrong(item, "there is no group '" + item.text() + "'", "the only one is: all");
      }
    });
    const auto organizations = [&](const char* key, const char* kind, const char* form) {
      each(permission, key, [&](const Value& item) {
        if (is_organization_arn(item.text(), kind)) return;
        wrong(item, "'" + item.text() + "' of '" + key + "' is no ARN of that kind",
              std::string("write arn:aws:organizations::ACCOUNT:") + form);
      });
    };
    organizations("organizationArns", "organization", "organization/o-ID");
    organizations("organizationalUnitArns", "ou", "ou/o-ID/ou-ID");
  }

  /// Ours is known only later; then the plan looks again.
  void account_of(const Value& item, const char* key) {
    const Value* value = given(item, key);
    if (!value || is_account(value->text())) return;
    wrong(*value, "'" + value->text() + "' of '" + key + "' is no account", "an id has 12 digits");
  }

  void templates(const Distribution& distribution, const Value& item) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < distribution.launch_templates.size(); ++i) {
      const Value& value = item.find("launchTemplateConfigurations")->list()[i];
      const std::string& id = distribution.launch_templates[i].id;
      account_of(value, "accountId");
      const Value* written = value.find("launchTemplateId");
      if (!written) continue;
      if (!is_resource_id(id, "lt-")) {
        wrong(*written, "'" + id + "' is no id of a launch template",
              "it looks like lt-0123456789abcdef0");
      } else if (!seen.insert(id).second) {
        twice(value.where, "the launch template " + id + " is there twice");
      }
    }
  }

  void parameters(const Distribution& distribution, const Value& item) {
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t i = 0; i < distribution.parameters.size(); ++i) {
      const ParameterUpdate& parameter = distribution.parameters[i];
      const Value& value = item.find("ssmParameterConfigurations")->list()[i];
      account_of(value, "amiAccountId");
      const Value* name = value.find("parameterName");
      if (!name) continue;
      parameter_name(parameter.name, *name);
      if (!seen.emplace(parameter.account, parameter.name).second) {
        twice(value.where, "the parameter " + parameter.name + " is there twice");
      }
    }
  }

  /// Parameter Store's rules.
  void parameter_name(const std::string& name, const Value& value) {
    const bool characters = only(lower(name), "abcdefghijklmnopqrstuvwxyz0123456789_.-/");
    const std::string bare = lower(name.substr(name.starts_with('/') ? 1 : 0));
    if (!characters || name.size() > 1011 || name.ends_with('/')) {
      wrong(value, "'" + name + "' cannot name a parameter",
            "a name has at most 1011 letters, digits and _.-/, and does not end in /");
    } else if (name.find('/') != std::string::npos && !name.starts_with('/')) {
      wrong(value, "'" + name + "' has folders and does not begin with /", "write /" + name);
    } else if (bare.starts_with("aws") || bare.starts_with("ssm")) {
      wrong(value, "the name '" + name + "' begins with a word that is AWS' own",
            "begin it with anything but aws and ssm");
    }
  }

  void deprecation(const Distribution& distribution, const Value& item) {
    const Value* after = given(item, "deprecateAfter");
    const Value* at = given(item, "deprecateAt");
    if (after && at) {
      return wrong(*at, "'deprecateAfter' and 'deprecateAt' of a distribution are both there",
                   "leave one of them out");
    }
    if (after && !deprecation_time(distribution, 0)) {
      wrong(*after, "'deprecateAfter' of a distribution cannot be '" + after->text() + "'",
            "write a number of days, weeks, months or years, such as 90 days");
    }
    if (!at) return;
    const auto time = deprecation_time(distribution, 0);
    const std::string whole = time ? rfc3339_utc(*time) : std::string();
    const bool real = at->text().size() >= 10 && whole.starts_with(at->text().substr(0, 10));
    if (real && (at->text().size() == 10 || at->text().ends_with('Z'))) return;
    wrong(*at, "'deprecateAt' of a distribution is no time: " + at->text(),
          "write it as 2027-01-31, or 2027-01-31T12:00:00Z");
  }

  void role(const Distribution& distribution, const Value& item) {
    const Value* value = given(item, "role");
    if (!value) return;
    const std::string characters = "abcdefghijklmnopqrstuvwxyz0123456789+=,.@-_/";
    if (only(lower(distribution.role), characters)) return;
    wrong(*value, "'" + distribution.role + "' cannot name a role",
          "write its name, not its ARN: the account is in targetAccountIds");
  }

  const Recipe& recipe_;
  Diagnostics& diagnostics_;
  std::map<std::string, std::uint32_t> regions_;  // and the lines that they are on
};

}  // namespace

std::vector<Distribution> read_distributions(const Value& list, const Recipe& recipe,
                                             Diagnostics& diagnostics) {
  return DistributionReader(recipe, diagnostics).read(list);
}

Parameters read_tags(const Value& owner, const char* key, Diagnostics& diagnostics) {
  Parameters result;
  const Value* map = given(owner, key);
  if (!map) return result;
  for (const auto& member : map->map()) {
    const std::string& value = member.value.text();
    if (member.key.empty() || member.key.size() > 128 || value.size() > 256 ||
        member.key.starts_with("aws:")) {
      diagnostics.error(codes::invalid_value, member.where,
                        "'" + member.key + "' of '" + key + "' cannot be a tag",
                        "a name has 1 to 128 characters and does not begin with aws:, a value "
                        "has at most 256");
    }
    result.emplace_back(member.key, value);
  }
  if (result.size() > 50) {
    diagnostics.error(codes::limit, map->where, std::string("'") + key + "' has more than 50 tags",
                      "EC2 takes no more: leave some out");
  }
  return result;
}

}  // namespace toehold
