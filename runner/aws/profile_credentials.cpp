#include <algorithm>

#include "runner/aws/credential_sources.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

/// One asking: follows source_profile from profile to profile and knows where it has been.
class Resolver {
 public:
  explicit Resolver(const Lookup& lookup) : lookup_(lookup) {}

  /// The profile that was chosen. Only here the environment's web identity counts.
  std::optional<Credentials> chosen(const std::string& profile) {
    const Section none;
    const auto at = lookup_.settings.profiles.find(profile);
    const Section& values = at == lookup_.settings.profiles.end() ? none : at->second;
    if (wants_role(values)) return role(profile, values);
    if (auto found = web_identity(profile, values, true)) return found;
    return by_itself(profile, values);
  }

 private:
  static std::string value(const Section& values, const char* key) {
    const auto at = values.find(key);
    return at == values.end() ? std::string() : at->second;
  }
  static bool wants_role(const Section& values) {
    return !value(values, "role_arn").empty() && value(values, "web_identity_token_file").empty();
  }
  static bool has_keys(const Section& values) {
    return values.contains("aws_access_key_id") || values.contains("aws_secret_access_key");
  }
  [[noreturn]] static void fail(const std::string& profile, const std::string& why,
                                const std::string& hint) {
    throw Error(Error::Kind::aws, "profile " + profile + " " + why, hint);
  }

  /// What a profile has without assuming a role.
  std::optional<Credentials> by_itself(const std::string& profile, const Section& values) {
    if (auto found = sso_credentials(profile, values, lookup_)) return found;
    if (has_keys(values)) return keys(profile, values);
    if (!value(values, "login_session").empty()) {
      fail(profile, "has a session of `aws login`, which is not read here",
           "give its keys by: eval \"$(aws configure export-credentials --profile " + profile +
               " --format env)\"");
    }
    const std::string command = value(values, "credential_process");
    if (!command.empty()) return run_credential_process(command, profile, lookup_);
    return std::nullopt;
  }

  Credentials keys(const std::string& profile, const Section& values) {
    Credentials found;
    found.access_key_id = value(values, "aws_access_key_id");
    found.secret_access_key = value(values, "aws_secret_access_key");
    found.session_token = value(values, "aws_session_token");
    found.source = "profile " + profile;
    if (found.access_key_id.empty() || found.secret_access_key.empty()) {
      fail(profile, "has only one of aws_access_key_id and aws_secret_access_key",
           "write both or none");
    }
    return found;
  }

  std::optional<Credentials> web_identity(const std::string& profile, const Section& values,
                                          bool with_environment) {
    const auto said = [&](const char* variable, const char* key) {
      auto text = with_environment ? lookup_.settings.environment(variable) : std::nullopt;
      return text ? *text : value(values, key);
    };
    const std::string file = said("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    if (file.empty()) return std::nullopt;
    Role wanted;
    wanted.arn = said("AWS_ROLE_ARN", "role_arn");
    wanted.session_name = said("AWS_ROLE_SESSION_NAME", "role_session_name");
    if (wanted.arn.empty()) {
      throw Error(Error::Kind::aws, "there is a web identity token, and no role to assume with it",
                  "set AWS_ROLE_ARN, or role_arn of profile " + profile);
    }
    wanted.duration_seconds = duration(profile, values);
    return assume_role_with_web_identity(wanted, file, lookup_);
  }

  std::optional<int> duration(const std::string& profile, const Section& values) {
    const std::string text = value(values, "duration_seconds");
    if (text.empty()) return std::nullopt;
    const auto seconds = Value(text).as_int();
    if (!seconds || *seconds < 900 || *seconds > 43200) {
      fail(profile, "says duration_seconds = " + text, "write a number from 900 to 43200");
    }
    return static_cast<int>(*seconds);
  }

  Credentials role(const std::string& profile, const Section& values) {
    if (const std::string device = value(values, "mfa_serial"); !device.empty()) {
      fail(profile, "wants a code of the device " + device + ", which cannot be asked for here",
           "give its keys by: eval \"$(aws configure export-credentials --profile " + profile +
               " --format env)\"");
    }
    Role wanted;
    wanted.arn = value(values, "role_arn");
    wanted.session_name = value(values, "role_session_name");
    wanted.external_id = value(values, "external_id");
    wanted.duration_seconds = duration(profile, values);
    const Credentials with = source_of(profile, values);
    return assume_role(wanted, with, lookup_);
  }

  Credentials source_of(const std::string& profile, const Section& values) {
    const std::string source = value(values, "source_profile");
    const std::string place = value(values, "credential_source");
    if (source.empty() == place.empty()) {
      fail(profile,
           source.empty() ? "has a role_arn, and nothing to assume it with"
                          : "has both source_profile and credential_source",
           "write one of source_profile and credential_source");
    }
    return source.empty() ? from_place(profile, place) : from_profile(profile, source);
  }

  Credentials from_profile(const std::string& profile, const std::string& source) {
    const auto at = lookup_.settings.profiles.find(source);
    if (at == lookup_.settings.profiles.end()) {
      std::vector<std::string> names;
      for (const auto& [name, values] : lookup_.settings.profiles) names.push_back(name);
      fail(profile, "says source_profile = " + source + ", which is not there",
           did_you_mean(source, names));
    }
    const Section& values = at->second;
    // A profile may name itself: its own keys are what its role is assumed with.
    if (source == profile && has_keys(values)) return keys(source, values);
    visited_.push_back(profile);
    if (std::find(visited_.begin(), visited_.end(), source) != visited_.end()) {
      fail(profile, "assumes its role with itself: " + join(visited_, " -> ") + " -> " + source,
           "give one of these profiles keys, or another source_profile");
    }
    if (!has_keys(values) && wants_role(values)) return role(source, values);
    auto found = web_identity(source, values, false);
    if (!found) found = by_itself(source, values);
    if (!found) {
      fail(profile, "says source_profile = " + source + ", which has no credentials",
           "give it keys, a role, SSO or a credential_process");
    }
    return *found;
  }

  Credentials from_place(const std::string& profile, const std::string& place) {
    std::unique_ptr<CredentialProvider> provider;
    if (equals_ignoring_case(place, "Environment")) {
      provider = environment_credentials(lookup_.settings);
    } else if (equals_ignoring_case(place, "EcsContainer")) {
      provider = container_credentials(lookup_.settings, lookup_.tools);
    } else if (equals_ignoring_case(place, "Ec2InstanceMetadata")) {
      provider = instance_credentials(lookup_.tools);
    } else {
      fail(profile, "says credential_source = " + place,
           "write Environment, EcsContainer or Ec2InstanceMetadata");
    }
    auto found = provider->find(lookup_.deadline, lookup_.stop);
    if (!found) {
      fail(profile, "wants credentials of " + provider->name() + ", and there are none", {});
    }
    return *found;
  }

  const Lookup& lookup_;
  std::vector<std::string> visited_;
};

class Profile final : public CredentialProvider {
 public:
  Profile(const Settings& settings, const CredentialTools& tools)
      : settings_(settings), tools_(tools) {}

  std::optional<Credentials> find(Deadline deadline, std::stop_token stop) override {
    const Lookup lookup{settings_, tools_, deadline, stop};
    return Resolver(lookup).chosen(settings_.profile);
  }

  std::string name() const override {
    return "profile " + settings_.profile + " (~/.aws/config and ~/.aws/credentials)";
  }

 private:
  const Settings& settings_;
  CredentialTools tools_;
};

}  // namespace

std::unique_ptr<CredentialProvider> profile_credentials(const Settings& settings,
                                                        const CredentialTools& tools) {
  return std::make_unique<Profile>(settings, tools);
}

}  // namespace toehold::aws
