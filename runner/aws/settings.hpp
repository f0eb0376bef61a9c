// Settings: what environment variables and the shared config and credentials files say of AWS:
// region, profile, endpoints, retries, metadata. Called once by Session; reads, never asks a
// network. Precedence is that of the AWS CLI: environment, then profile, then default.
// Source: the AWS SDKs and Tools Reference Guide.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace toehold::aws {

/// One section of a file; keys in lower case. A nested block (`s3 =` and indented lines) has keys
/// with a dot: `s3.addressing_style`.
using Section = std::map<std::string, std::string>;

struct Settings {
  std::string profile = "default";
  bool profile_was_asked_for = false;       // by AWS_PROFILE or --profile; then it must exist
  bool profile_is_option = false;           // by --profile: goes before keys of the environment
  std::map<std::string, Section> profiles;  // of both files, credentials over config
  std::map<std::string, Section> sessions;  // [sso-session NAME]
  std::map<std::string, Section> services;  // [services NAME]; keys "s3.endpoint_url"
  std::string region;                       // empty: not said
  bool use_fips = false;
  bool use_dualstack = false;
  bool ignore_configured_endpoints = false;
  bool path_style = false;  // S3: https://host/bucket/key
  int max_attempts = 5;     // first try included
  std::string ca_bundle;    // AWS_CA_BUNDLE or ca_bundle
  bool imds_disabled = false;
  std::string imds_endpoint = "http://169.254.169.254";
  int imds_timeout_seconds = 1;
  int imds_attempts = 1;

  /// Environment variables; one that is empty counts as none.
  std::function<std::optional<std::string>(const std::string&)> environment;

  /// Of the chosen profile; empty when it has no such key.
  std::string of_profile(const std::string& key) const;
  /// AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, then the same of the files. `service_id` is the
  /// name in variables: "s3", "ssm", "cloudwatch_logs", "imagebuilder", "sts", "ec2".
  std::optional<std::string> endpoint(const std::string& service_id) const;
};

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;
EnvironmentLookup process_environment();

/// HOME, or the home folder of the user that we are: services of the system have no HOME.
std::string home_folder(const Settings& settings);

/// Throws Error(usage) with file and line for a file that cannot be parsed, and for a profile that
/// was asked for and is not there. Missing files are none. `region` and `profile`: what the command
/// line says, or empty.
Settings read_settings(EnvironmentLookup environment, const std::string& profile = {},
                       const std::string& region = {});

}  // namespace toehold::aws
