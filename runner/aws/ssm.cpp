#include "runner/aws/ssm.hpp"

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

namespace {

constexpr std::string_view secret_prefix = "/aws/reference/secretsmanager/";

/// KMS, which is asked on the caller's behalf, does not say what it was that it denied.
void name_denied_action(const Failure& failure, Call& call) {
  if (failure.message.find("ciphertext refers") == std::string::npos) return;
  call.iam_action = "kms:Decrypt";
  call.resource = "the key of " + call.resource;
}

Error not_found(const std::string& name, const std::string& region, const Failure& failure) {
  const std::string place = " in " + region;
  if (name.starts_with(secret_prefix)) {
    const std::string secret = name.substr(secret_prefix.size());
    return Error(Error::Kind::aws,
                 "Secrets Manager has no secret " + secret + place + ": " + failure.message,
                 "create it: aws secretsmanager create-secret --name " + secret + " --region " +
                     region + " --secret-string ...");
  }
  const bool version = failure.code == "ParameterVersionNotFound";
  return Error(Error::Kind::aws,
               std::string("Parameter Store has no ") + (version ? "such version of " : "") +
                   "parameter " + name + place,
               version ? "list them: aws ssm get-parameter-history --region " + region +
                             " --name " + name.substr(0, name.rfind(':'))
                       : "create it: aws ssm put-parameter --name " + name + " --region " + region +
                             " --type SecureString --value ...");
}

bool is_missing(const Failure& failure) {
  return failure.code == "ParameterNotFound" || failure.code == "ParameterVersionNotFound";
}

Call parameter_call(const std::string& name) {
  Call call = json_call(services::ssm, "AmazonSSM.GetParameter",
                        to_json(Value::object({{"Name", name}, {"WithDecryption", true}})));
  call.resource = "parameter " + name;
  return call;
}

SsmParameter read_parameter(const std::string& name, const Answer& answer) {
  try {
    const Value body = parse_json(answer.body);
    const Value* parameter = body.find("Parameter");
    const Value* value = parameter ? parameter->find("Value") : nullptr;
    const Value* type = parameter ? parameter->find("Type") : nullptr;
    if (value && value->kind() == Value::Kind::string) {
      return {value->text(), type ? type->text() : ""};
    }
  } catch (const Error&) {
    // Not quoted: it may hold the value.
  }
  throw Error(Error::Kind::aws,
              "Systems Manager GetParameter on parameter " + name + ": the answer has no value");
}

}  // namespace

SsmParameter get_parameter(Client& client, const std::string& name, const Control& control) {
  Call call = parameter_call(name);
  if (name.starts_with("arn:")) {
    const auto parts = split(name, ':');
    if (parts.size() > 3) call.region = parts[3];
  }
  const Answer answer = client.send(call, control);
  if (!answer.failure) return read_parameter(name, answer);
  Session& session = client.session();
  if (is_missing(*answer.failure)) {
    throw not_found(
        name, call.region.empty() ? session.region(control.deadline, control.stop) : call.region,
        *answer.failure);
  }
  name_denied_action(*answer.failure, call);
  throw client.error_of(call, *answer.failure, control);
}

std::optional<SsmParameter> find_parameter(Client& client, const std::string& region,
                                           const std::string& name, const Control& control) {
  Call call = parameter_call(name);
  call.region = region;
  const Answer answer = client.send(call, control);
  if (!answer.failure) return read_parameter(name, answer);
  if (is_missing(*answer.failure)) return std::nullopt;
  name_denied_action(*answer.failure, call);
  throw client.error_of(call, *answer.failure, control);
}

}  // namespace toehold::aws
