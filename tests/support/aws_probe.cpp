// Answers questions about runner/aws for tests that compare it with others: a JSON object a line on
// stdin, one on stdout. "op" says what is asked: sign, presign, endpoint, settings, credentials,
// metadata, call, ec2 (aws_probe_ec2.cpp). Those that ask a network use this process' environment.
#include <chrono>
#include <functional>
#include <iostream>
#include <map>

#include "runner/aws/client.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "tests/support/aws_probe_ec2.hpp"

namespace toehold::aws {
namespace {

std::string text(const Value& question, const char* name) {
  const Value* value = question.find(name);
  return value ? value->text() : std::string();
}

bool flag(const Value& question, const char* name) {
  const Value* value = question.find(name);
  return value && value->as_bool().value_or(false);
}

/// [["a", "b"], ...]
Query pairs(const Value& question, const char* name) {
  Query result;
  const Value* value = question.find(name);
  if (!value) return result;
  for (const Value& pair : value->list()) {
    result.emplace_back(pair.list().at(0).text(), pair.list().at(1).text());
  }
  return result;
}

Value list_of(const HttpHeaders& headers) {
  Value::List list;
  for (const auto& [name, value] : headers) list.push_back(Value(Value::List{name, value}));
  return Value(std::move(list));
}

Settings settings_of(const Value& question) {
  return read_settings(process_environment(), text(question, "profile"), text(question, "region"));
}

const Service& service_of(const Value& question) {
  static const std::map<std::string, const Service*> table{
      {"s3", &services::s3},   {"ssm", &services::ssm},
      {"sts", &services::sts}, {"logs", &services::logs},
      {"ec2", &services::ec2}, {"imagebuilder", &services::image_builder}};
  return *table.at(text(question, "service"));
}

struct ToSign {
  SignRequest request;
  SignScope scope;
  Credentials keys;
  UnixMillis now = 0;
};

/// `key` is a path that is not escaped yet, `path` one that is.
ToSign to_sign(const Value& question) {
  ToSign result;
  SignRequest& request = result.request;
  request.method = text(question, "method");
  request.host = text(question, "host");
  request.path =
      question.find("key") ? uri_escape(text(question, "key"), true) : text(question, "path");
  request.query = pairs(question, "query");
  request.headers = pairs(question, "headers");
  request.payload_hash = text(question, "payload_hash");
  const std::string service = text(question, "service");
  result.scope = {text(question, "region"), service, service != "s3", service == "s3"};
  result.keys = {text(question, "id"), text(question, "secret"), text(question, "token"), {}, ""};
  result.now = question.find("time")->as_int().value() * 1000;
  return result;
}

Value sign_it(const Value& question) {
  const ToSign it = to_sign(question);
  return Value::object({{"headers", list_of(sign(it.request, it.scope, it.keys, it.now))},
                        {"path", it.request.path},
                        {"query", query_text(it.request.query)}});
}

Value presign_it(const Value& question) {
  const ToSign it = to_sign(question);
  const std::chrono::seconds valid(question.find("valid_for")->as_int().value());
  const Query query = presign(it.request, it.scope, it.keys, it.now, valid);
  return Value::object(
      {{"url", "https://" + it.request.host + it.request.path + "?" + query_text(query)}});
}

Value endpoint(const Value& question) {
  Settings settings;
  settings.environment = [](const std::string&) { return std::nullopt; };
  settings.use_fips = flag(question, "fips");
  settings.use_dualstack = flag(question, "dualstack");
  const Endpoint found = endpoint_of(service_of(question), text(question, "region"), settings);
  return Value::object({{"url", found.url()},
                        {"region", found.signing_region},
                        {"partition", partition_of(text(question, "region")).name}});
}

Value settings(const Value& question) {
  const Settings found = settings_of(question);
  Value answer = Value::object({{"profile", found.profile},
                                {"region", found.region},
                                {"fips", found.use_fips},
                                {"dualstack", found.use_dualstack},
                                {"ca_bundle", found.ca_bundle}});
  for (const char* id : {"s3", "ssm", "cloudwatch_logs"}) {
    answer.set(id, found.endpoint(id).value_or(""));
  }
  return answer;
}

/// A session of the process' environment for one question.
class World {
 public:
  explicit World(const Value& question)
      : session_([&question] { return settings_of(question); }, make_curl_http_client, clock_,
                 processes_) {}
  Session& session() { return session_; }

 private:
  SystemClock clock_;
  RealProcessRunner processes_;
  Session session_;
};

Value credentials(const Value& question) {
  World world(question);
  const Credentials found = world.session().credentials({}, {});
  return Value::object({{"id", found.access_key_id},
                        {"secret", found.secret_access_key},
                        {"token", found.session_token},
                        {"source", found.source},
                        {"expires", found.expires ? Value(*found.expires) : Value()}});
}

Value metadata(const Value& question) {
  World world(question);
  const auto found = world.session().imds().get(text(question, "path"), {}, {});
  return Value::object({{"value", found ? Value(*found) : Value()}});
}

/// With "target": a JSON 1.1 call; else "method", "path" and "bucket" of one of S3.
Value call(const Value& question) {
  World world(question);
  Call call = json_call(service_of(question), text(question, "target"), text(question, "body"));
  if (text(question, "target").empty()) {
    call.headers.clear();
    call.method = text(question, "method");
    call.path = text(question, "path");
    call.bucket = text(question, "bucket");
    call.operation = text(question, "operation");
  }
  call.resource = text(question, "resource");
  call.iam_action = text(question, "iam_action");
  call.repeatable = !flag(question, "not_repeatable");
  Value::List notes;
  const Control control{{}, {}, [&](const std::string& note) { notes.emplace_back(note); }};
  const Answer answer = Client(world.session()).require(call, control);
  return Value::object({{"status", static_cast<std::int64_t>(answer.status)},
                        {"body", answer.body},
                        {"notes", Value(std::move(notes))}});
}

/// One of EC2's calls; with "record": only its form, which is not sent.
Value ec2_call(const Value& question) {
  SystemClock clock;
  RealProcessRunner processes;
  std::string form;
  Session session([&question] { return settings_of(question); },
                  flag(question, "record") ? test::record_forms(form) : make_curl_http_client,
                  clock, processes);
  Client client(session);
  Value result = test::call_ec2({client, text(question, "region")}, question);
  if (flag(question, "record")) return Value::object({{"form", form}});
  return result;
}

Value answer(const std::string& line) {
  static const std::map<std::string, std::function<Value(const Value&)>> table{
      {"sign", sign_it},
      {"presign", presign_it},
      {"endpoint", endpoint},
      {"settings", settings},
      {"credentials", credentials},
      {"metadata", metadata},
      {"call", call},
      {"ec2", ec2_call}};
  const auto began = std::chrono::steady_clock::now();
  Value result;
  try {
    const Value question = parse_json(line);
    result = table.at(text(question, "op"))(question);
  } catch (const Error& error) {
    result = Value::object({{"error", error.full_message()}, {"hint", error.hint()}});
  } catch (const std::exception& error) {
    result = Value::object({{"error", std::string("the probe: ") + error.what()}, {"hint", ""}});
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  result.set("seconds", took.count());
  return result;
}

}  // namespace
}  // namespace toehold::aws

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << toehold::to_json(toehold::aws::answer(line)) << std::endl;
  }
}
