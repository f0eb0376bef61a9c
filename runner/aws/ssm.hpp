// Systems Manager's Parameter Store: one parameter, decrypted. Called for `{{ aws:ssm:... }}`.
// Never keeps a value, never puts one into a message.
// Source: GetParameter of the API reference, and "Referencing Secrets Manager secrets from
// Parameter Store parameters" of the Systems Manager User Guide.
#pragma once

#include <optional>
#include <string>

#include "runner/aws/client.hpp"

namespace toehold::aws {

struct SsmParameter {
  std::string value;  // of a StringList: its items with commas between
  std::string type;   // "String", "StringList" or "SecureString"
};

/// `name`: "/a/b", "/a/b:3" or "/a/b:label", an ARN, or "/aws/reference/secretsmanager/SECRET".
/// Throws Error that names the parameter, and what is missing: the parameter itself, or the
/// permission for it, its key or its secret.
SsmParameter get_parameter(Client& client, const std::string& name, const Control& control);
/// The same in `region` (empty: the session's), and nullopt when there is no such parameter.
std::optional<SsmParameter> find_parameter(Client& client, const std::string& region,
                                           const std::string& name, const Control& control);

}  // namespace toehold::aws
