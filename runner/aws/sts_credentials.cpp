#include <algorithm>

#include "runner/aws/client.hpp"
#include "runner/aws/credential_sources.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::size_t most_token_bytes = 64u << 10;

/// The caller's HttpClient under the name of one of our own.
class Borrowed final : public HttpClient {
 public:
  explicit Borrowed(HttpClient& http) : http_(http) {}
  HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                    std::stop_token stop) override {
    return http_.send(request, on_body, stop);
  }

 private:
  HttpClient& http_;
};

/// What a role is assumed with.
class Given final : public CredentialProvider {
 public:
  explicit Given(Credentials credentials) : credentials_(std::move(credentials)) {}
  std::optional<Credentials> find(Deadline, std::stop_token) override { return credentials_; }
  std::string name() const override { return credentials_.source; }

 private:
  Credentials credentials_;
};

/// Of a role's ARN, for who has not said a region: every partition answers for all of its roles.
std::string region_for(const std::string& arn, const Settings& settings) {
  if (!settings.region.empty()) return settings.region;
  if (arn.starts_with("arn:aws-cn:")) return "cn-north-1";
  if (arn.starts_with("arn:aws-us-gov:")) return "us-gov-west-1";
  return "us-east-1";
}

Call sts_call(const std::string& operation, const Role& role, const Lookup& lookup, Query form) {
  form.insert(form.begin(), {{"Action", operation}, {"Version", "2011-06-15"}});
  form.emplace_back("RoleArn", role.arn);
  const UnixMillis now = lookup.tools.clock.unix_millis();
  form.emplace_back("RoleSessionName", role.session_name.empty()
                                           ? "toehold-" + std::to_string(now / 1000)
                                           : role.session_name);
  if (role.duration_seconds) {
    form.emplace_back("DurationSeconds", std::to_string(*role.duration_seconds));
  }
  Call call;
  call.service = &services::sts;
  call.operation = operation;
  call.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  call.body = query_text(form);
  call.region = region_for(role.arn, lookup.settings);
  call.resource = "role " + role.arn;
  return call;
}

Credentials ask(const Call& call, const Credentials& with, const Role& role, const Lookup& lookup) {
  const Answer answer = send_for_credentials(call, with, lookup);
  if (answer.failure) {
    throw error_for(call, *answer.failure, call.sign ? with.source : call.identity);
  }
  const Value root = parse_xml_answer(answer.body, "STS " + call.operation);
  const Value* at = &root;
  for (const std::string& name :
       {call.operation + "Response", call.operation + "Result", std::string("Credentials")}) {
    at = at ? at->find(name) : nullptr;
  }
  return credentials_in(at ? *at : Value(), {}, "role " + role.arn);
}

}  // namespace

Answer send_for_credentials(const Call& call, const Credentials& with, const Lookup& lookup) {
  const CredentialTools& tools = lookup.tools;
  Session session(
      lookup.settings, [&] { return std::make_unique<Borrowed>(tools.http); }, tools.clock,
      tools.processes, std::make_unique<Given>(with));
  return Client(session).send(call, {lookup.deadline, lookup.stop, {}});
}

Credentials assume_role(const Role& role, const Credentials& with, const Lookup& lookup) {
  Query form;
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  return ask(sts_call("AssumeRole", role, lookup, std::move(form)), with, role, lookup);
}

Credentials assume_role_with_web_identity(const Role& role, const std::string& token_file,
                                          const Lookup& lookup) {
  const std::string token(trim(read_file(token_file, most_token_bytes)));
  Call call = sts_call("AssumeRoleWithWebIdentity", role, lookup, {{"WebIdentityToken", token}});
  call.sign = false;
  call.identity = "the web identity in " + token_file;
  return ask(call, {}, role, lookup);
}

}  // namespace toehold::aws
