#include "runner/controller/ec2_options.hpp"

#include <algorithm>

#include "runner/base/object_store.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

FieldInfo field(std::string name, FieldType type, std::string doc, std::string default_text = {},
                std::vector<std::string> choices = {}) {
  FieldInfo info;
  info.name = std::move(name);
  info.type = type;
  info.doc = std::move(doc);
  info.default_text = std::move(default_text);
  info.choices = std::move(choices);
  return info;
}

FieldInfo in_range(FieldInfo info, std::int64_t minimum, std::int64_t maximum) {
  info.minimum = minimum;
  info.maximum = maximum;
  return info;
}

// clang-format off
// Names and limits of these two: the API model of Image Builder (2019-12-02).
std::vector<FieldInfo> metadata_fields() {
  return {field("httpTokens", FieldType::text, "Whether a session token is needed.", "required", {"required", "optional"}),
          in_range(field("httpPutResponseHopLimit", FieldType::integer, "How many hops an answer goes; containers on the instance need 2.", "1"), 1, 64)};
}

std::vector<FieldInfo> placement_fields() {
  return {field("availabilityZone", FieldType::text, "Zone, where no subnet says it."),
          field("tenancy", FieldType::text, "Kind of host.", "default", {"default", "dedicated", "host"}),
          field("hostId", FieldType::text, "Dedicated host."),
          field("hostResourceGroupArn", FieldType::text, "Group of dedicated hosts.")};
}
// clang-format on

/// A member of a list of texts, for its position.
const Value& item_of(const Value& options, const char* key, std::size_t index) {
  const Value* list = options.find(key);
  return list && list->is_list() && index < list->list().size() ? list->list()[index] : options;
}

class Checker {
 public:
  Checker(Ec2Options& ec2, const Value& options, Diagnostics& diagnostics)
      : ec2_(ec2), options_(options), diagnostics_(diagnostics) {}

  void base() {
    const std::string& base = ec2_.base;
    if (base.empty()) {
      return error("base", "target 'ec2' needs a machine image to start from",
                   "add 'base:' to the target, or 'parentImage:' to the recipe: ami-..., "
                   "ssm:PARAMETER, name:PATTERN with baseOwner, or build:NAME");
    }
    const bool by_name = base.starts_with("name:");
    const bool known = by_name || base.starts_with("ami-") || base.starts_with("ssm:") ||
                       base.starts_with("build:");
    if (!known || base.size() < 5 || base.back() == ':') {
      return error("base", "target 'ec2' cannot start from '" + base + "'",
                   "write ami-..., ssm:PARAMETER, name:PATTERN with baseOwner, or build:NAME");
    }
    if (by_name && ec2_.base_owner.empty()) {
      return error("base", "anybody may publish an image that is called '" + base.substr(5) + "'",
                   "say whose it is: write baseOwner: with an account id, self or amazon");
    }
    if (!by_name && !ec2_.base_owner.empty()) {
      error("baseOwner", "'baseOwner' of target 'ec2' belongs to a base that is 'name:PATTERN'",
            "leave it out");
    }
  }

  void connection() {
    const bool ssm = ec2_.connect == "ssm";
    const auto staging = parse_object_address(ec2_.staging);
    if (!ec2_.staging.empty() && !staging) {
      error("staging", "'staging' of target 'ec2' is no address in S3: " + ec2_.staging,
            "write s3://BUCKET/PREFIX");
    } else if (ssm && ec2_.staging.empty()) {
      error("staging", "target 'ec2' needs a bucket, through which agent, documents and logs go",
            "write staging: s3://BUCKET/PREFIX, or connect: ssh");
    }
    if (ssm && ec2_.instance_profile.empty()) {
      error(
          "instanceProfileName",
          "an instance without an instance profile is not seen by Systems Manager",
          "write instanceProfileName: with a profile whose role has AmazonSSMManagedInstanceCore, "
          "or connect: ssh");
    }
    if (ssm && !ec2_.ssh_from.empty()) {
      error("sshFrom", "'sshFrom' of target 'ec2' belongs to 'connect: ssh'", "leave it out");
    }
    if (!ec2_.ssh_from.empty() && ec2_.ssh_from.find('/') == std::string::npos) {
      error("sshFrom", "'sshFrom' of target 'ec2' is no range of addresses: " + ec2_.ssh_from,
            "write it with its prefix, such as 198.51.100.7/32");
    }
    if (ec2_.ssh_from == "0.0.0.0/0" || ec2_.ssh_from == "::/0") {
      error("sshFrom", "'sshFrom' of target 'ec2' would let the whole world knock",
            "write the address that you come from, such as 198.51.100.7/32");
    }
    if (ec2_.user.empty() || ec2_.user.starts_with('-')) {
      error("user", "'user' of target 'ec2' cannot be '" + ec2_.user + "'", {});
    }
  }

  void places() {
    if (!ec2_.subnet.empty() && !ec2_.subnets.empty()) {
      error("subnetIds", "'subnetId' and 'subnetIds' of target 'ec2' are both there",
            "leave one of them out");
    }
    each(
        "instanceTypes", ec2_.instance_types,
        [](const std::string& type) {
          return type.find('.') != std::string::npos && type.find(' ') == std::string::npos;
        },
        "is no type of instance, such as t3.medium");
    each(
        "market", ec2_.market,
        [](const std::string& market) { return market == "on-demand" || market == "spot"; },
        "is neither on-demand nor spot");
    each(
        "subnetIds", ec2_.subnets, [](const std::string& id) { return id.starts_with("subnet-"); },
        "is no id of a subnet");
    each(
        "securityGroupIds", ec2_.security_groups,
        [](const std::string& id) { return id.starts_with("sg-"); },
        "is no id of a security group");
    if (ec2_.market.empty()) ec2_.market.emplace_back("on-demand");
  }

 private:
  template <class Test>
  void each(const char* key, const std::vector<std::string>& items, Test good, const char* what) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (good(items[i])) continue;
      diagnostics_.error(codes::invalid_value, item_of(options_, key, i).where,
                         "'" + items[i] + "' of '" + key + "' " + what);
    }
  }

  void error(const char* key, const std::string& message, const std::string& hint) {
    const bool missing = !options_.find(key);
    diagnostics_.error(missing ? codes::missing_key : codes::invalid_value,
                       place_of_option(options_, key), message, hint);
  }

  Ec2Options& ec2_;
  const Value& options_;
  Diagnostics& diagnostics_;
};

}  // namespace

// clang-format off
const Fields<Ec2Options>& ec2_fields() {
  static const Fields<Ec2Options> table = Fields<Ec2Options>{}
      .optional("region", &Ec2Options::region, "Region to build in.", "that of the environment or the profile")
      .optional("base", &Ec2Options::base, "Machine image to start from: `ami-...`, `ssm:PARAMETER`, `name:PATTERN` (the newest of `baseOwner` whose name fits), or `build:NAME[:VERSION]`, the image of another build.", "`parentImage`")
      .optional("baseOwner", &Ec2Options::base_owner, "Who owns a base that is found by name: account id, `self`, `amazon` or `aws-marketplace`.")
      .optional("baseArchitecture", &Ec2Options::base_architecture, "Architecture of a base that is found by name.", "any").choices({"any", "x86_64", "arm64"})
      .optional("connect", &Ec2Options::connect, "How the instance is reached: `ssm` (Run Command and S3, no way in is opened) or `ssh`.", "ssm").choices({"ssm", "ssh"})
      .optional("staging", &Ec2Options::staging, "`s3://BUCKET/PREFIX` for what goes to and from the instance with `connect: ssm`. The instance needs no permission for it.")
      .optional("instanceTypes", &Ec2Options::instance_types, "Types of instance, in the order to try.", "t3.medium, or t4g.medium for arm64")
      .optional("market", &Ec2Options::market, "`spot`, `on-demand`, or both in the order to try.", "on-demand")
      .optional("instanceProfileName", &Ec2Options::instance_profile, "Instance profile of the instance. Systems Manager needs one.")
      .optional("securityGroupIds", &Ec2Options::security_groups, "Security groups.", "one of the build's own, which lets in only SSH from `sshFrom`, and with `ssm` nothing")
      .optional("subnetId", &Ec2Options::subnet, "Subnet.", "a default subnet")
      .optional("subnetIds", &Ec2Options::subnets, "Subnets, in the order to try, instead of `subnetId`.")
      .optional("associatePublicIpAddress", &Ec2Options::public_address, "Whether the instance gets a public address.", "as the subnet has it")
      .optional_record("instanceMetadataOptions", &Ec2Options::metadata_options, metadata_fields(), "The metadata service of the instance.")
      .optional_record("placement", &Ec2Options::placement, placement_fields(), "Where the instance runs.")
      .optional("resourceTags", &Ec2Options::resource_tags, "Tags of everything that the build makes but the image.")
      .optional("user", &Ec2Options::user, "Whom to log in as over SSH; becomes root by `sudo -n`.", "ec2-user")
      .optional("sshFrom", &Ec2Options::ssh_from, "Range of addresses that the build's own security group lets in.", "the address that checkip.amazonaws.com sees us with")
      .optional("sshAddress", &Ec2Options::ssh_address, "Which address of the instance is used.", "auto: the public one if it has one").choices({"auto", "public", "private"})
      .optional("imageName", &Ec2Options::image_name, "Name of the image; no other image of the account may have it.", "name, version and id of the build")
      .optional("launchTimeout", &Ec2Options::launch_timeout, "Seconds until a new instance can be reached.", "600").range(30, 86400)
      .optional("lease", &Ec2Options::lease, "Minutes after which an instance that hears nothing of its build powers itself off, which terminates it.", "60").range(10, 10080)
      .optional("keepHours", &Ec2Options::keep_hours, "The same for an instance that is kept, in hours.", "24").range(1, 720)
      .optional("cleanup", &Ec2Options::cleanup, "Whether what belongs to one machine is removed before the image is made, as by Image Builder.", "always").choices({"always", "never"})
      .optional("terminateInstanceOnFailure", &Ec2Options::terminate_on_failure, "`false`: a build that fails keeps its instance, as `--on-failure=keep` does.", "true")
      .optional("recordFiles", &Ec2Options::record_files, "Whether the manifest says which files each step changed; the files of the instance are looked through after each.", "true");
  return table;
}
// clang-format on

Value complete_ec2(const Value& options, const Recipe& recipe, const fs::path&,
                   Diagnostics& diagnostics) {
  auto ec2 = ec2_fields().decode(options, "target 'ec2'", diagnostics);
  if (!ec2) return options;
  if (ec2->base.empty()) ec2->base = recipe.parent_image;
  for (std::string* word :
       {&ec2->base_architecture, &ec2->connect, &ec2->ssh_address, &ec2->cleanup})
    *word = lower(*word);
  Checker checker(*ec2, options, diagnostics);
  checker.base();
  checker.connection();
  checker.places();
  return ec2_fields().encode(*ec2);
}

Ec2Options ec2_options(const Recipe& recipe) {
  Diagnostics none(nullptr);
  return ec2_fields().decode(recipe.target.options, "the target", none).value_or(Ec2Options{});
}

std::vector<std::string> subnets_to_try(const Ec2Options& options) {
  if (!options.subnets.empty()) return options.subnets;
  return {options.subnet};
}

}  // namespace toehold
