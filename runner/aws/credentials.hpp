// Credentials and where they come from: environment, shared config and credentials files, roles to
// assume, programs, web identity, container and instance metadata; in the order of the AWS CLI.
// Called by Session. Never writes them anywhere, never puts one into a message.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/aws/imds.hpp"
#include "runner/aws/settings.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/http.hpp"
#include "runner/base/process.hpp"

namespace toehold::aws {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;          // empty: long-term keys
  std::optional<UnixMillis> expires;  // none: they stay
  std::string source;                 // "the environment", "profile build", ...: for messages
};

/// One place to look. A seam: tests script it.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  /// nullopt: this place has none and the next may be asked. Throws Error(aws) when it should have
  /// some and they cannot be had (a broken file, a role that cannot be assumed).
  virtual std::optional<Credentials> find(Deadline deadline, std::stop_token stop) = 0;
  /// What a message calls it: "the environment (AWS_ACCESS_KEY_ID)".
  virtual std::string name() const = 0;
};

/// What the providers act through. The references outlive them.
struct CredentialTools {
  HttpClient& http;
  Clock& clock;
  ProcessRunner& processes;
  Imds& imds;
};

/// Asks each in turn; throws Error(aws) naming all of them when none has any.
std::unique_ptr<CredentialProvider> default_credential_chain(const Settings& settings,
                                                             const CredentialTools& tools);
std::unique_ptr<CredentialProvider> credential_chain(
    std::vector<std::unique_ptr<CredentialProvider>> places);

}  // namespace toehold::aws
