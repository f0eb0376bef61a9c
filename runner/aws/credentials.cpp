#include "runner/aws/credentials.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "runner/aws/credential_sources.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

class Chain final : public CredentialProvider {
 public:
  explicit Chain(std::vector<std::unique_ptr<CredentialProvider>> places)
      : places_(std::move(places)) {}

  std::optional<Credentials> find(Deadline deadline, std::stop_token stop) override {
    for (const auto& place : places_) {
      if (auto found = place->find(deadline, stop)) return found;
    }
    throw Error(Error::Kind::aws, "no AWS credentials were found; there are none in " + name(),
                "give the instance a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY");
  }

  std::string name() const override {
    std::string names;
    for (const auto& place : places_) names += (names.empty() ? "" : ", ") + place->name();
    return names;
  }

 private:
  std::vector<std::unique_ptr<CredentialProvider>> places_;
};

class Environment final : public CredentialProvider {
 public:
  explicit Environment(const Settings& settings) : settings_(settings) {}

  std::optional<Credentials> find(Deadline, std::stop_token) override {
    const auto variable = [&](const char* name) {
      return settings_.environment(name).value_or("");
    };
    Credentials found;
    found.access_key_id = variable("AWS_ACCESS_KEY_ID");
    if (found.access_key_id.empty()) return std::nullopt;
    found.secret_access_key = variable("AWS_SECRET_ACCESS_KEY");
    if (found.secret_access_key.empty()) {
      throw Error(Error::Kind::aws, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY",
                  "set both or none");
    }
    found.session_token = variable("AWS_SESSION_TOKEN");
    if (found.session_token.empty()) found.session_token = variable("AWS_SECURITY_TOKEN");
    found.expires = iso_time(variable("AWS_CREDENTIAL_EXPIRATION"));
    found.source = "the environment";
    return found;
  }

  std::string name() const override { return "the environment (AWS_ACCESS_KEY_ID)"; }

 private:
  const Settings& settings_;
};

/// Of `text` from `at` on, which it moves: exactly `count` digits.
std::optional<int> digits(const std::string& text, std::size_t& at, std::size_t count) {
  int value = 0;
  for (const std::size_t end = at + count; at < end; ++at) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return std::nullopt;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

/// `Z`, `UTC` or `+01:00`, as seconds east of UTC.
std::optional<int> offset(const std::string& text) {
  if (text == "Z" || text == "UTC" || text.empty()) return 0;
  if (text.front() != '+' && text.front() != '-') return std::nullopt;
  std::size_t at = 1;
  const auto hours = digits(text, at, 2);
  if (at < text.size() && text[at] == ':') ++at;
  const auto minutes = digits(text, at, 2);
  if (!hours || !minutes || at != text.size()) return std::nullopt;
  return (*hours * 3600 + *minutes * 60) * (text.front() == '-' ? -1 : 1);
}

}  // namespace

std::unique_ptr<CredentialProvider> environment_credentials(const Settings& settings) {
  return std::make_unique<Environment>(settings);
}

std::unique_ptr<CredentialProvider> credential_chain(
    std::vector<std::unique_ptr<CredentialProvider>> places) {
  return std::make_unique<Chain>(std::move(places));
}

std::unique_ptr<CredentialProvider> default_credential_chain(const Settings& settings,
                                                             const CredentialTools& tools) {
  std::vector<std::unique_ptr<CredentialProvider>> places;
  // Who types --profile does not want to hear that a variable was stronger.
  if (!settings.profile_is_option) places.push_back(environment_credentials(settings));
  places.push_back(profile_credentials(settings, tools));
  places.push_back(container_credentials(settings, tools));
  places.push_back(instance_credentials(tools));
  return credential_chain(std::move(places));
}

Credentials credentials_in(const Value& answer, const CredentialNames& names,
                           const std::string& source) {
  const auto member = [&](const char* name) {
    const Value* value = answer.find(name);
    return value && value->is_scalar() && !value->is_null() ? value->text() : std::string();
  };
  for (const char* name : {names.id, names.secret}) {
    if (member(name).empty()) {
      throw Error(Error::Kind::aws, source + " gave no credentials: there is no " + name);
    }
  }
  Credentials found;
  found.access_key_id = member(names.id);
  found.secret_access_key = member(names.secret);
  found.session_token = member(names.token);
  if (const std::string expires = member(names.expires); !expires.empty()) {
    found.expires = Value(expires).as_int();  // SSO counts milliseconds
    if (!found.expires) found.expires = iso_time(expires);
    if (!found.expires) {
      throw Error(Error::Kind::aws, source + " gave credentials with the " + names.expires + " '" +
                                        printable(expires.substr(0, 40)) + "', which is no time");
    }
  }
  found.source = source;
  return found;
}

Value parse_answer(const std::string& text, const std::string& source) {
  try {
    return parse_json(text);
  } catch (const Error& error) {
    throw Error(Error::Kind::aws, source + " gave no credentials: " + error.what());
  }
}

std::optional<UnixMillis> iso_time(const std::string& text) {
  std::size_t at = 0;
  const auto number = [&](std::size_t count, char before) -> std::optional<int> {
    if (before != '\0' && (at >= text.size() || text[at++] != before)) return std::nullopt;
    return digits(text, at, count);
  };
  const auto year = number(4, '\0'), month = number(2, '-'), day = number(2, '-');
  const auto hour = number(2, 'T'), minute = number(2, ':'), second = number(2, ':');
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    do ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9');
  }
  const auto east = offset(text.substr(at));
  if (!east) return std::nullopt;
  std::tm fields{};
  fields.tm_year = *year - 1900;
  fields.tm_mon = *month - 1;
  fields.tm_mday = *day;
  fields.tm_hour = *hour;
  fields.tm_min = *minute;
  fields.tm_sec = *second;
  return (static_cast<UnixMillis>(::timegm(&fields)) - *east) * 1000;
}

Deadline within(const Lookup& lookup, std::chrono::seconds seconds) {
  const Monotonic ends = lookup.tools.clock.monotonic() + seconds;
  return Deadline(lookup.deadline.never() ? ends : std::min(ends, *lookup.deadline.at()));
}

}  // namespace toehold::aws
