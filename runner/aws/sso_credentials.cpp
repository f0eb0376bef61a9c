#include "runner/aws/client.hpp"
#include "runner/aws/credential_sources.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold::aws {

namespace {

constexpr Service sso{"SSO", "portal.sso", "awsssoportal", "sso", "sso"};
constexpr std::size_t most_cache_bytes = 1u << 20;
constexpr UnixMillis most_early = 60 * 1000;

struct SsoProfile {
  std::string profile;
  std::string session;  // of [sso-session NAME]; empty for profiles of the older kind
  Section values;       // of both
};

Error log_in(const SsoProfile& sso_profile, const std::string& why) {
  return Error(Error::Kind::aws, "the SSO login of profile " + sso_profile.profile + " " + why,
               "log in: aws sso login --profile " + sso_profile.profile);
}

const std::string& value_of(const SsoProfile& sso_profile, const char* key) {
  const auto at = sso_profile.values.find(key);
  if (at != sso_profile.values.end() && !at->second.empty()) return at->second;
  throw Error(Error::Kind::aws, "profile " + sso_profile.profile + " has no " + key,
              "write it into ~/.aws/config, or let `aws configure sso` do it");
}

SsoProfile with_session(const std::string& profile, const Section& values,
                        const Settings& settings) {
  SsoProfile result{profile, {}, values};
  const auto name = values.find("sso_session");
  if (name == values.end()) return result;
  result.session = name->second;
  const auto session = settings.sessions.find(result.session);
  if (session == settings.sessions.end()) {
    throw Error(Error::Kind::aws,
                "profile " + profile + " says sso_session = " + result.session +
                    ", and there is no [sso-session " + result.session + "]",
                "write that section into ~/.aws/config");
  }
  for (const auto& [key, value] : session->second) result.values[key] = value;
  return result;
}

/// The access token that `aws sso login` left in ~/.aws/sso/cache.
std::string access_token(const SsoProfile& sso_profile, const Lookup& lookup) {
  const std::string& key =
      sso_profile.session.empty() ? value_of(sso_profile, "sso_start_url") : sso_profile.session;
  const fs::path path = fs::path(home_folder(lookup.settings)) / ".aws/sso/cache" /
                        (digest_of(DigestAlgorithm::sha1, key) + ".json");
  std::error_code error;
  if (!fs::is_regular_file(path, error)) throw log_in(sso_profile, "is not there");
  const Value cached = parse_answer(read_file(path, most_cache_bytes), path.string());
  const Value* token = cached.find("accessToken");
  const Value* expires = cached.find("expiresAt");
  const auto ends = iso_time(expires ? expires->text() : std::string());
  if (!token || token->text().empty() || !ends) {
    throw log_in(sso_profile, "cannot be read from " + path.string());
  }
  if (*ends - most_early <= lookup.tools.clock.unix_millis()) {
    throw log_in(sso_profile, "has ended at " + rfc3339_local(*ends));
  }
  return token->text();
}

}  // namespace

std::optional<Credentials> sso_credentials(const std::string& profile, const Section& values,
                                           const Lookup& lookup) {
  if (!values.contains("sso_account_id") && !values.contains("sso_role_name")) return std::nullopt;
  const SsoProfile sso_profile = with_session(profile, values, lookup.settings);
  Call call;
  call.service = &sso;
  call.operation = "GetRoleCredentials";
  call.method = "GET";
  call.path = "/federation/credentials";
  call.query = {{"role_name", value_of(sso_profile, "sso_role_name")},
                {"account_id", value_of(sso_profile, "sso_account_id")}};
  call.headers = {{"x-amz-sso_bearer_token", access_token(sso_profile, lookup)}};
  call.region = value_of(sso_profile, "sso_region");
  call.resource = "role " + call.query[0].second + " of account " + call.query[1].second;
  call.sign = false;
  call.identity = "the SSO login of profile " + profile;
  const Answer answer = send_for_credentials(call, {}, lookup);
  if (answer.failure && answer.failure->status == 401) {
    throw log_in(sso_profile, "is not accepted any more");
  }
  if (answer.failure) throw error_for(call, *answer.failure, call.identity);
  const std::string source = "profile " + profile + " (SSO)";
  const Value root = parse_answer(answer.body, source);
  const Value* found = root.find("roleCredentials");
  constexpr CredentialNames names{"accessKeyId", "secretAccessKey", "sessionToken", "expiration"};
  return credentials_in(found ? *found : Value(), names, source);
}

}  // namespace toehold::aws
