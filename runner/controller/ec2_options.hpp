// The options of the target `ec2`, in the words of Image Builder's infrastructure configuration
// where it has one. Called by the table of targets and the parts of the target; asks AWS nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/fields.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

struct Ec2Options {
  std::string region;      // empty: that of the environment or the profile
  std::string base;        // "ami-...", "ssm:NAME", "build:NAME[:VERSION]", "name:PATTERN"
  std::string base_owner;  // of `name:`: account id, "self", "amazon", "aws-marketplace"
  std::string base_architecture = "any";  // "x86_64", "arm64"
  std::string connect = "ssm";            // "ssh"
  std::string staging;                    // "s3://bucket/prefix", for "ssm"
  std::string state;                      // "s3://bucket/prefix", "none"; empty: staging of "ssm"
  std::vector<std::string> instance_types;
  std::vector<std::string> market;  // "spot", "on-demand", in the order to try; never empty
  std::string instance_profile;
  std::vector<std::string> security_groups;
  std::string subnet;
  std::vector<std::string> subnets;  // in the order to try
  std::optional<bool> public_address;
  Value metadata_options{Value::Map()};  // httpTokens, httpPutResponseHopLimit
  Value placement{Value::Map()};         // availabilityZone, tenancy, hostId, hostResourceGroupArn
  Parameters resource_tags;
  std::string key_pair;         // of the account, beside our own
  Value logging{Value::Map()};  // s3Logs: s3BucketName, s3KeyPrefix; cloudWatchLogs: logGroupName
  std::string topic;            // ARN
  std::string user = "ec2-user";
  std::string ssh_from;              // CIDR; empty: the address that we are seen with
  std::string ssh_address = "auto";  // "public", "private"
  std::string image_name;            // empty: made of recipe and build
  int launch_timeout = 600;          // seconds
  int lease = 60;                    // minutes
  int keep_hours = 24;               // of an instance that is kept
  std::string cleanup = "always";    // "never"
  bool terminate_on_failure = true;
  bool record_files = true;
};

const Fields<Ec2Options>& ec2_fields();
/// As TargetType has it.
Value complete_ec2(const Value& options, const Recipe& recipe, const std::filesystem::path& folder,
                   Diagnostics& diagnostics);
/// Of a recipe without errors.
Ec2Options ec2_options(const Recipe& recipe);

/// Through which output comes that does not reach S3; empty: there is none.
std::string log_group_of(const Ec2Options& options);

/// `subnet` and `subnets` in one, in the order to try.
std::vector<std::string> subnets_to_try(const Ec2Options& options);

}  // namespace toehold
