#include "runner/aws/sts.hpp"

#include "runner/aws/xml.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::string_view api_version = "2011-06-15";

class RoleOfSession final : public CredentialProvider {
 public:
  RoleOfSession(Session& base, Role role) : base_(base), role_(std::move(role)) {}

  std::optional<Credentials> find(Deadline deadline, std::stop_token stop) override {
    const auto http = base_.make_http();
    const CredentialTools tools{*http, base_.clock(), base_.processes(), base_.imds()};
    return assume_role(role_, base_.credentials(deadline, stop),
                       {base_.settings(), tools, deadline, stop});
  }
  std::string name() const override { return "role " + role_.arn; }

 private:
  Session& base_;
  Role role_;
};

std::string statements_of(const Value& root) {
  const Value* matched = root.find("matchedStatements");
  const Value* items = matched ? matched->find("items") : nullptr;
  std::vector<std::string> names;
  if (!items || !items->is_list()) return {};
  for (const Value& item : items->list()) {
    const std::string name = text_at(item, {"statementId"});
    if (!name.empty()) names.push_back(name);
  }
  return join(names, ", ");
}

Denial read_denial(const std::string& json) {
  const Value root = parse_json(json);
  Denial denial;
  if (const Value* is_explicit = root.find("explicitDeny")) {
    denial.is_explicit = is_explicit->as_bool().value_or(false);
  }
  const Value* context = root.find("context");
  if (!context) return denial;
  denial.action = text_at(*context, {"action"});
  denial.resource = text_at(*context, {"resource"});
  denial.principal = text_at(*context, {"principal", "arn"});
  denial.statement = statements_of(root);
  return denial;
}

}  // namespace

Result<CallerIdentity> get_caller_identity(Client& client, const Control& control) {
  const Call call = query_call(services::sts, api_version, "GetCallerIdentity", {});
  return send_query(client, call, control).then([&](const Value& answer) {
    return CallerIdentity{required_text(call, answer, {"GetCallerIdentityResult", "Account"}),
                          text_at(answer, {"GetCallerIdentityResult", "Arn"}),
                          text_at(answer, {"GetCallerIdentityResult", "UserId"})};
  });
}

Error error_for(const Denial& denial, const Error& told) {
  const std::string what = denial.action + " on " + denial.resource;
  const std::string whose = denial.principal.empty() ? "that role or user" : denial.principal;
  const std::string named = denial.statement.empty() ? "" : " (statement " + denial.statement + ")";
  if (denial.is_explicit) {
    return Error(told.kind(),
                 told.full_message() + "; STS says: " + what + " is denied by a policy" + named,
                 "that denial outweighs what is allowed: change it, or build with what it leaves");
  }
  return Error(told.kind(), told.full_message() + "; STS says: no policy allows " + what + named,
               "allow " + what + " in the policy of " + whose);
}

std::unique_ptr<Session> session_for_role(Session& base, const Role& role) {
  Settings settings = base.settings();
  settings.imds_disabled = true;
  return std::make_unique<Session>(
      std::move(settings), [&base] { return base.make_http(); }, base.clock(), base.processes(),
      std::make_unique<RoleOfSession>(base, role));
}

Result<Denial> decode_authorization_message(Client& client, const std::string& region,
                                            const std::string& encoded, const Control& control) {
  Call call = query_call(services::sts, api_version, "DecodeAuthorizationMessage",
                         Value::object({{"EncodedMessage", encoded}}));
  call.region = region;
  return send_query(client, call, control).then([&](const Value& answer) {
    return read_denial(
        required_text(call, answer, {"DecodeAuthorizationMessageResult", "DecodedMessage"}));
  });
}

}  // namespace toehold::aws
