#include "runner/controller/ec2_options.hpp"

#include <algorithm>
#include <array>

#include "runner/aws/logs.hpp"
#include "runner/aws/sns.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/error.hpp"
#include "runner/base/object_store.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/aws_names.hpp"
#include "runner/controller/distribution_reader.hpp"
#include "runner/controller/ec2_user_data.hpp"
#include "runner/controller/image_name.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_tag_value = 256;  // EC2 User Guide, "Tag restrictions"
constexpr std::size_t most_resource_tags = 45;  // beside Name and four of ours

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

FieldInfo required(FieldInfo info) {
  info.required = true;
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

std::vector<FieldInfo> logging_fields() {
  FieldInfo s3 = field("s3Logs", FieldType::record, "The logs of all stages, below NAME/VERSION/BUILD-ID.");
  s3.fields = {required(field("s3BucketName", FieldType::text, "Bucket.")),
               field("s3KeyPrefix", FieldType::text, "Folder in the bucket.")};
  FieldInfo group = field("cloudWatchLogs", FieldType::record, "With `connect: ssm`, the way for what is printed on an instance that does not reach S3, if its role may write there.");
  group.fields = {required(field("logGroupName", FieldType::text, "Log group, which must be there. Streams below `toehold/BUILD-ID/` of it are made and deleted."))};
  return {s3, group};
}
// clang-format on

struct WordOfElsewhere {
  const char* key;
  const char* hint;
};
// Image Builder has them in an infrastructure configuration; here that is a part of the recipe.
constexpr std::array words_of_elsewhere{
    WordOfElsewhere{"name", "the recipe's own name: is that of all it makes; leave it out"},
    WordOfElsewhere{"description", "write description: in the recipe, beside target:"},
    WordOfElsewhere{"tags",
                    "write resourceTags: for what the build makes on its way, or tags: in the "
                    "recipe for the image"},
    WordOfElsewhere{"clientToken", "the build makes tokens of its own; leave it out"}};

/// The options without those words, each of which is told.
Value without_words_of_elsewhere(Value options, Diagnostics& diagnostics) {
  if (!options.is_map()) return options;
  std::erase_if(options.map(), [&](const Value::Member& member) {
    const auto word =
        std::find_if(words_of_elsewhere.begin(), words_of_elsewhere.end(),
                     [&](const WordOfElsewhere& one) { return member.key == one.key; });
    if (word == words_of_elsewhere.end()) return false;
    diagnostics.error(codes::unknown_key, member.where,
                      "target 'ec2' does not know the key '" + member.key + "'", word->hint);
    return true;
  });
  return options;
}

class Checker {
 public:
  /// `good`: what the table has left of the options.
  Checker(Ec2Options& ec2, const GoodMembers& good, const Recipe& recipe, Diagnostics& diagnostics)
      : ec2_(ec2), good_(good), recipe_(recipe), diagnostics_(diagnostics) {}

  void base() {
    if (good_.is_spoilt("base")) return;
    const std::string& base = ec2_.base;
    const SourceLocation where = recipe_.target.base_where;
    if (base.empty()) {
      return diagnostics_.error(codes::missing_key, where,
                                "target 'ec2' needs a machine image to start from",
                                "add 'base:' to the target, or 'parentImage:' to the recipe: "
                                "ami-..., ssm:PARAMETER, name:PATTERN with baseOwner, or "
                                "build:NAME");
    }
    const auto wrong = [&](const std::string& message, const std::string& hint) {
      diagnostics_.error(codes::invalid_value, where, message, hint);
    };
    const bool by_name = base.starts_with("name:");
    const bool is_id = base.starts_with("ami-");
    const bool known = by_name || is_id || base.starts_with("ssm:") || base.starts_with("build:");
    if (!known || base.back() == ':') {
      return wrong("target 'ec2' cannot start from '" + base + "'",
                   "write ami-..., ssm:PARAMETER, name:PATTERN with baseOwner, or build:NAME");
    }
    if (is_id && !is_resource_id(base, "ami-")) {
      wrong("'" + base + "' is no id of a machine image", "an id looks like ami-0123456789abcdef0");
    }
    base_owner(by_name, where);
  }

  void connection() {
    const bool ssm = ec2_.connect == "ssm" && !good_.is_spoilt("connect");
    address("staging", ec2_.staging, "write s3://BUCKET/PREFIX");
    if (lower(ec2_.state) != "none") {
      address("state", ec2_.state, "write s3://BUCKET/PREFIX, or none");
    }
    if (ssm && ec2_.staging.empty()) {
      error({"staging"}, "target 'ec2' needs a bucket, through which agent, documents and logs go",
            "write staging: s3://BUCKET/PREFIX, or connect: ssh");
    }
    if (ssm && ec2_.instance_profile.empty()) {
      error({"instanceProfileName"},
            "an instance without an instance profile is not seen by Systems Manager",
            "write instanceProfileName: with a profile whose role has "
            "AmazonSSMManagedInstanceCore, or connect: ssh");
    }
    if (ssm && !ec2_.ssh_from.empty()) {
      error({"sshFrom"}, "'sshFrom' of target 'ec2' belongs to 'connect: ssh'", "leave it out");
    }
    if (!ec2_.ssh_from.empty() && !is_address_range(ec2_.ssh_from)) {
      error({"sshFrom"}, "'sshFrom' of target 'ec2' is no range of addresses: " + ec2_.ssh_from,
            "write it with its prefix, such as 198.51.100.7/32");
    } else if (ec2_.ssh_from.ends_with("/0")) {
      error({"sshFrom"}, "'sshFrom' of target 'ec2' would let the whole world knock",
            "write the address that you come from, such as 198.51.100.7/32");
    }
    if (ec2_.user.empty() || ec2_.user.starts_with('-') ||
        ec2_.user.find_first_of(" \t\n@") != std::string::npos) {
      error({"user"}, "'user' of target 'ec2' cannot be '" + ec2_.user + "'",
            "write a name that the image knows, such as ec2-user");
    }
  }

  void end_of_build() {
    if (!ec2_.topic.empty() && (!aws::is_topic_arn(ec2_.topic) || ec2_.topic.ends_with(".fifo"))) {
      error({"snsTopicArn"}, "'" + ec2_.topic + "' is no ARN of a standard topic of SNS",
            "write arn:aws:sns:REGION:ACCOUNT:NAME");
    }
    const std::string name_problem =
        ec2_.image_name.empty() ? std::string() : image_name_problem(ec2_.image_name);
    if (!name_problem.empty()) {
      error({"imageName"}, "'" + ec2_.image_name + "' of 'imageName' " + name_problem,
            "leave it out for a name of recipe, version and build");
    }
    const Path bucket{"logging", "s3Logs", "s3BucketName"};
    if (const Value* name = at(bucket); name && !is_bucket_name(name->text())) {
      error(bucket, "'" + name->text() + "' of 's3BucketName' is no name of a bucket",
            bucket_name_hint);
    }
    log_group();
  }

  void places() {
    if (!ec2_.region.empty() && !is_region(ec2_.region)) {
      error({"region"}, "'" + ec2_.region + "' is no region",
            "write the code of one, such as eu-west-1");
    }
    if (!ec2_.subnet.empty() && !ec2_.subnets.empty()) {
      error({"subnetIds"}, "'subnetId' and 'subnetIds' of target 'ec2' are both there",
            "leave one of them out");
    }
    if (!ec2_.subnet.empty()) id("subnetId", *at({"subnetId"}), "subnet-", "a subnet");
    each("subnetIds", [&](const Value& item) { id("subnetIds", item, "subnet-", "a subnet"); });
    each("securityGroupIds",
         [&](const Value& item) { id("securityGroupIds", item, "sg-", "a security group"); });
    each("instanceTypes", [&](const Value& item) {
      if (is_instance_type(item.text())) return;
      wrong_item(item, "'" + item.text() + "' of 'instanceTypes' is no type of instance",
                 "write one such as t3.medium");
    });
    if (!ec2_.instance_profile.empty() && !is_instance_profile_name(ec2_.instance_profile)) {
      error({"instanceProfileName"},
            "'" + ec2_.instance_profile + "' cannot name an instance profile",
            "write its name, not its ARN");
    }
    const std::size_t tags = read_tags(good_.map, "resourceTags", diagnostics_).size();
    if (tags > most_resource_tags && tags <= 50) {
      error({"resourceTags"},
            "'resourceTags' has more than " + std::to_string(most_resource_tags) + " tags",
            "EC2 takes 50, with those that the build itself needs: leave some out");
    }
    if (ec2_.market.empty()) ec2_.market.emplace_back("on-demand");
  }

  void user_data() {
    const Value& extra = recipe_.additional_instance_configuration;
    const std::string text = own_user_data(extra);
    if (text.empty() || goes_with_ours(text)) return;  // what is no base64 has been told
    wrong_item(*extra.find("userDataOverride"),
               "'userDataOverride' of the recipe is of a kind that does not go together with "
               "toehold's own part",
               own_user_data_hint);
  }

 private:
  using Path = std::vector<const char*>;

  void base_owner(bool by_name, SourceLocation where) {
    const std::string& owner = ec2_.base_owner;
    if (by_name && owner.empty() && !good_.is_spoilt("baseOwner")) {
      diagnostics_.error(
          codes::invalid_value, where,
          "anybody may publish an image that is called '" + ec2_.base.substr(5) + "'",
          "say whose it is: write baseOwner: with an account id, self or amazon");
    }
    if (owner.empty()) return;
    if (!by_name) {
      return error({"baseOwner"},
                   "'baseOwner' of target 'ec2' belongs to a base that is 'name:PATTERN'",
                   "leave it out");
    }
    if (is_account(owner) || owner == "self" || owner == "amazon" || owner == "aws-marketplace") {
      return;
    }
    error({"baseOwner"}, "'" + owner + "' of 'baseOwner' owns no images",
          "write an account id, which has 12 digits, or self, amazon or aws-marketplace");
  }

  void address(const char* key, const std::string& text, const char* hint) {
    if (text.empty()) return;
    const auto parsed = parse_object_address(text);
    if (!parsed) {
      error({key}, std::string("'") + key + "' of target 'ec2' is no address in S3: " + text, hint);
    } else if (!is_bucket_name(parsed->bucket)) {
      error({key}, "'" + parsed->bucket + "' of '" + key + "' is no name of a bucket",
            bucket_name_hint);
    }
  }

  void log_group() {
    const Path path{"logging", "cloudWatchLogs", "logGroupName"};
    const Value* name = at(path);
    if (!name) return;
    if (ec2_.connect != "ssm" && !good_.is_spoilt("connect")) {
      return error({"logging", "cloudWatchLogs"},
                   "'cloudWatchLogs' of 'logging' belongs to 'connect: ssm'", "leave it out");
    }
    try {
      aws::check_log_group(name->text());
      if (name->text().size() <= longest_tag_value) return;
      error(path,
            "'logGroupName' has more than " + std::to_string(longest_tag_value) +
                " characters, which a tag of what the build makes cannot hold",
            "take a log group with a shorter name");
    } catch (const Error& wrong) {
      error(path, wrong.what(), wrong.hint());
    }
  }

  void id(const char* key, const Value& value, const char* prefix, const char* what) {
    if (is_resource_id(value.text(), prefix)) return;
    wrong_item(value, "'" + value.text() + "' of '" + key + "' is no id of " + what,
               std::string("it looks like ") + prefix + "0123456789abcdef0");
  }

  template <class Check>
  void each(const char* key, const Check& check_one) {
    const Value* list = good_.map.find(key);
    if (!list) return;
    for (const Value& item : list->list()) check_one(item);
  }

  void wrong_item(const Value& value, const std::string& message, const std::string& hint) {
    diagnostics_.error(codes::invalid_value, value.where, message, hint);
  }

  /// The value there; null if it is not given.
  const Value* at(const Path& path) const {
    const Value* value = &good_.map;
    for (const char* key : path) {
      value = value->find(key);
      if (!value || value->is_null()) return nullptr;
    }
    return value;
  }

  /// At the value of the key, else at the target. A key that is spoilt has been told.
  void error(const Path& path, const std::string& message, const std::string& hint) {
    if (good_.is_spoilt(path.front())) return;
    const Value* value = at(path);
    diagnostics_.error(value ? codes::invalid_value : codes::missing_key,
                       (value ? *value : good_.map).where, message, hint);
  }

  Ec2Options& ec2_;
  const GoodMembers& good_;
  const Recipe& recipe_;
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
      .optional("state", &Ec2Options::state, "`s3://BUCKET/PREFIX` for a copy of the build's state, with which `toehold resume` goes on from another machine; `none`: there is none. With `connect: ssh` the copy has the key that lets in.", "`staging` with `connect: ssm`, else none")
      .optional("instanceTypes", &Ec2Options::instance_types, "Types of instance, in the order to try.", "t3.medium, or t4g.medium for arm64")
      .optional("market", &Ec2Options::market, "`spot`, `on-demand`, or both in the order to try.", "on-demand").choices({"spot", "on-demand"})
      .optional("instanceProfileName", &Ec2Options::instance_profile, "Instance profile of the instance. Systems Manager needs one.")
      .optional("securityGroupIds", &Ec2Options::security_groups, "Security groups.", "one of the build's own, which lets in only SSH from `sshFrom`, and with `ssm` nothing")
      .optional("subnetId", &Ec2Options::subnet, "Subnet.", "a default subnet")
      .optional("subnetIds", &Ec2Options::subnets, "Subnets, in the order to try, instead of `subnetId`.")
      .optional("associatePublicIpAddress", &Ec2Options::public_address, "Whether the instance gets a public address.", "as the subnet has it")
      .optional_record("instanceMetadataOptions", &Ec2Options::metadata_options, metadata_fields(), "The metadata service of the instance.")
      .optional_record("placement", &Ec2Options::placement, placement_fields(), "Where the instance runs.")
      .optional("resourceTags", &Ec2Options::resource_tags, "Tags of everything that the build makes but the image.")
      .optional("keyPair", &Ec2Options::key_pair, "Name of a key pair of the account that the instance knows, too. Its private half is not needed.")
      .optional_record("logging", &Ec2Options::logging, logging_fields(), "Where the logs are put when the build has ended, and which way they come from the instance.")
      .optional("snsTopicArn", &Ec2Options::topic, "SNS topic that is told as JSON how the build has ended.")
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

Value complete_ec2(const Value& written, const Recipe& recipe, const fs::path&,
                   Diagnostics& diagnostics) {
  const GoodMembers good =
      good_members(ec2_fields().info(), without_words_of_elsewhere(written, diagnostics),
                   "target 'ec2'", diagnostics);
  Ec2Options ec2 = ec2_fields().decode_good(good.map);
  if (ec2.base.empty()) ec2.base = recipe.parent_image;
  Checker checker(ec2, good, recipe, diagnostics);
  checker.base();
  checker.connection();
  checker.places();
  checker.end_of_build();
  checker.user_data();
  return ec2_fields().encode(ec2);
}

Ec2Options ec2_options(const Recipe& recipe) {
  Diagnostics none(nullptr);
  return ec2_fields().decode(recipe.target.options, "the target", none).value_or(Ec2Options{});
}

std::string log_group_of(const Ec2Options& options) {
  return aws::text_at(options.logging, {"cloudWatchLogs", "logGroupName"});
}

std::vector<std::string> subnets_to_try(const Ec2Options& options) {
  if (!options.subnets.empty()) return options.subnets;
  return {options.subnet};
}

}  // namespace toehold
