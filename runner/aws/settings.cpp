#include "runner/aws/settings.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "runner/aws/config_file.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/users.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

namespace {

constexpr std::size_t most_file_bytes = 4u << 20;

/// A setting and where it was made, for messages.
struct Said {
  std::string text;
  std::string where;
};

std::string expanded(const std::string& path, const Settings& settings) {
  return path.starts_with("~/") ? home_folder(settings) + path.substr(1) : path;
}

std::vector<ConfigSection> sections_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  return parse_config_file(read_file(path, most_file_bytes), path);
}

void merge(Section& into, const Section& values) {
  for (const auto& [key, value] : values) into[key] = value;
}

void read_files(Settings& settings) {
  const auto path_of = [&](const char* variable, const char* usual) {
    return expanded(settings.environment(variable).value_or(usual), settings);
  };
  Section plain_default, named_default;
  for (const ConfigSection& section : sections_of(path_of("AWS_CONFIG_FILE", "~/.aws/config"))) {
    if (section.type == "profile" && section.name == "default") {
      merge(named_default, section.values);
    } else if (section.type == "profile") {
      merge(settings.profiles[section.name], section.values);
    } else if (section.type == "sso-session") {
      merge(settings.sessions[section.name], section.values);
    } else if (section.type == "services") {
      merge(settings.services[section.name], section.values);
    } else if (section.name == "default") {
      merge(plain_default, section.values);
    }
  }
  // [profile default] replaces [default]; it is not added to it.
  const Section& chosen = named_default.empty() ? plain_default : named_default;
  if (!chosen.empty()) settings.profiles["default"] = chosen;
  const std::string path = path_of("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
  for (const ConfigSection& section : sections_of(path)) {
    // Here every section is a profile, whatever its name begins with.
    const std::string name = (section.type.empty() ? "" : section.type + " ") + section.name;
    merge(settings.profiles[name], section.values);
  }
}

void choose_profile(Settings& settings, const std::string& option) {
  std::string where;
  if (!option.empty()) {
    settings.profile = option;
    settings.profile_is_option = true;
    where = "--profile";
  } else {
    // In the order of the AWS CLI.
    for (const char* variable : {"AWS_DEFAULT_PROFILE", "AWS_PROFILE"}) {
      const auto value = settings.environment(variable);
      if (!value || !where.empty()) continue;
      settings.profile = *value;
      where = variable;
    }
  }
  settings.profile_was_asked_for = !where.empty();
  const bool may_be_missing = where.empty() || settings.profile == "default";
  if (may_be_missing || settings.profiles.contains(settings.profile)) return;
  std::vector<std::string> names;
  for (const auto& [name, values] : settings.profiles) names.push_back(name);
  std::string hint = did_you_mean(settings.profile, names);
  if (hint.empty()) hint = "write it as [profile " + settings.profile + "] into ~/.aws/config";
  throw Error(Error::Kind::usage,
              "there is no AWS profile '" + settings.profile + "', which " + where + " asks for",
              hint);
}

/// Environment, then profile; empty text when neither says anything.
Said said(const Settings& settings, const char* variable, const char* key) {
  if (const auto value = settings.environment(variable)) return {*value, variable};
  return {settings.of_profile(key), std::string(key) + " of profile " + settings.profile};
}

bool flag(const Settings& settings, const char* variable, const char* key) {
  const Said found = said(settings, variable, key);
  if (found.text.empty()) return false;
  // A misspelt "use FIPS" must not be the same as none.
  if (const auto value = Value(found.text).as_bool()) return *value;
  throw Error(Error::Kind::usage, found.where + " is '" + found.text + "'", "write true or false");
}

int number(const Settings& settings, const char* variable, const char* key, int usual, int most) {
  const Said found = said(settings, variable, key);
  if (found.text.empty()) return usual;
  const auto value = Value(found.text).as_int();
  if (value && *value >= 1 && *value <= most) return static_cast<int>(*value);
  throw Error(Error::Kind::usage, found.where + " is '" + found.text + "'",
              "write a number from 1 to " + std::to_string(most));
}

void read_metadata(Settings& settings) {
  settings.imds_disabled = flag(settings, "AWS_EC2_METADATA_DISABLED", "");
  settings.imds_timeout_seconds =
      number(settings, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 1, 60);
  settings.imds_attempts =
      number(settings, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", 1, 20);
  const Said mode = said(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                         "ec2_metadata_service_endpoint_mode");
  const bool ipv6 = equals_ignoring_case(mode.text, "IPv6");
  if (!mode.text.empty() && !ipv6 && !equals_ignoring_case(mode.text, "IPv4")) {
    throw Error(Error::Kind::usage, mode.where + " is '" + mode.text + "'", "write IPv4 or IPv6");
  }
  if (ipv6) settings.imds_endpoint = "http://[fd00:ec2::254]";
  const Said endpoint =
      said(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  if (!endpoint.text.empty()) settings.imds_endpoint = endpoint.text;
  while (settings.imds_endpoint.ends_with('/')) settings.imds_endpoint.pop_back();
}

}  // namespace

std::string Settings::of_profile(const std::string& key) const {
  const auto at = profiles.find(profile);
  if (at == profiles.end()) return {};
  const auto value = at->second.find(key);
  return value == at->second.end() ? std::string() : value->second;
}

std::optional<std::string> Settings::endpoint(const std::string& service_id) const {
  if (service_id == "imagebuilder") {
    // The original's own variable: Image Builder sets it where it runs documents in containers.
    if (const auto url = environment("AWSTOE_IMAGEBUILDER_ENDPOINT")) return url;
  }
  if (ignore_configured_endpoints) return std::nullopt;
  std::string variable = "AWS_ENDPOINT_URL_";
  for (const char c : service_id) {
    variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  if (const auto url = environment(variable)) return url;
  if (const auto url = environment("AWS_ENDPOINT_URL")) return url;
  if (const std::string name = of_profile("services"); !name.empty()) {
    const auto section = services.find(name);
    if (section == services.end()) {
      throw Error(Error::Kind::usage,
                  "profile " + profile + " says services = " + name +
                      ", and there is no [services " + name + "]",
                  "write that section into ~/.aws/config");
    }
    const auto url = section->second.find(service_id + ".endpoint_url");
    if (url != section->second.end() && !url->second.empty()) return url->second;
  }
  const std::string url = of_profile("endpoint_url");
  return url.empty() ? std::nullopt : std::optional(url);
}

std::string home_folder(const Settings& settings) {
  if (const auto home = settings.environment("HOME")) return *home;
  const std::string home = own_user().home;
  return home.empty() ? "/" : home;
}

EnvironmentLookup process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

Settings read_settings(EnvironmentLookup environment, const std::string& profile,
                       const std::string& region) {
  Settings settings;
  settings.environment = [environment = std::move(environment)](
                             const std::string& name) -> std::optional<std::string> {
    auto value = environment(name);
    // People empty a variable to be rid of it.
    return value && value->empty() ? std::nullopt : value;
  };
  read_files(settings);
  choose_profile(settings, profile);
  settings.region = region;
  if (settings.region.empty()) settings.region = settings.environment("AWS_REGION").value_or("");
  if (settings.region.empty()) {
    settings.region = said(settings, "AWS_DEFAULT_REGION", "region").text;
  }
  settings.use_fips = flag(settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
  settings.use_dualstack = flag(settings, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  settings.ignore_configured_endpoints =
      flag(settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
  settings.path_style = settings.of_profile("s3.addressing_style") == "path";
  settings.max_attempts = number(settings, "AWS_MAX_ATTEMPTS", "max_attempts", 5, 100);
  settings.ca_bundle = expanded(said(settings, "AWS_CA_BUNDLE", "ca_bundle").text, settings);
  read_metadata(settings);
  return settings;
}

}  // namespace toehold::aws
