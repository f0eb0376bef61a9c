// The places where credentials come from, one by one. Called by credentials.cpp, which puts them
// into order, and by the profiles, whose roles need others to be assumed with. Nothing here keeps
// what it has found: each call asks again, and reads token files again.
// Source: the AWS SDKs and Tools Reference Guide; where it says nothing, what the AWS CLI does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/aws/credentials.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

/// One asking: through what and for how long.
struct Lookup {
  const Settings& settings;
  const CredentialTools& tools;
  Deadline deadline;
  std::stop_token stop;
};

std::unique_ptr<CredentialProvider> environment_credentials(const Settings& settings);
/// Roles, web identity, SSO, keys and programs of the chosen profile.
std::unique_ptr<CredentialProvider> profile_credentials(const Settings& settings,
                                                        const CredentialTools& tools);
/// ECS tasks, EKS pods and whatever else says AWS_CONTAINER_CREDENTIALS_*_URI.
std::unique_ptr<CredentialProvider> container_credentials(const Settings& settings,
                                                          const CredentialTools& tools);
std::unique_ptr<CredentialProvider> instance_credentials(const CredentialTools& tools);

struct Role {
  std::string arn;
  std::string session_name;  // empty: one of ours
  std::string external_id;
  std::optional<int> duration_seconds;
};
/// sts:AssumeRole in the region of the settings, else in the first of the role's partition.
Credentials assume_role(const Role& role, const Credentials& with, const Lookup& lookup);
/// sts:AssumeRoleWithWebIdentity with what stands in `token_file`; not signed.
Credentials assume_role_with_web_identity(const Role& role, const std::string& token_file,
                                          const Lookup& lookup);

/// What the profile's credential_process prints. No shell is involved.
Credentials run_credential_process(const std::string& command, const std::string& profile,
                                   const Lookup& lookup);
/// Words as a POSIX shell would split them, without expanding anything; nullopt when a quote has no
/// end.
std::optional<std::vector<std::string>> shell_words(std::string_view text);

/// Of the role that the profile names, with the access token that `aws sso login` has stored;
/// nullopt when the profile has nothing of SSO.
std::optional<Credentials> sso_credentials(const std::string& profile, const Section& values,
                                           const Lookup& lookup);

struct Call;
struct Answer;
/// A call that gets credentials, signed with others or with none.
Answer send_for_credentials(const Call& call, const Credentials& with, const Lookup& lookup);

/// How the members of an answer are called.
struct CredentialNames {
  const char* id = "AccessKeyId";
  const char* secret = "SecretAccessKey";
  const char* token = "SessionToken";
  const char* expires = "Expiration";
};
/// Throws Error(aws) that names `source` and the member that is missing, never what is there.
Credentials credentials_in(const Value& answer, const CredentialNames& names,
                           const std::string& source);
/// The same of JSON text.
Value parse_answer(const std::string& text, const std::string& source);
/// `2026-03-01T12:00:00Z`, also with a fraction, an offset, or `UTC` at its end.
std::optional<UnixMillis> iso_time(const std::string& text);
/// `lookup`'s deadline, or `seconds` from now if that is sooner.
Deadline within(const Lookup& lookup, std::chrono::seconds seconds);

}  // namespace toehold::aws
