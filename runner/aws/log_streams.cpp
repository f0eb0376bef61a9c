#include "runner/aws/log_streams.hpp"

#include "runner/aws/xml.hpp"
#include "runner/base/json.hpp"

namespace toehold::aws {

namespace {

/// nullopt: there is no such group or stream.
std::optional<Value> ask(Client& client, const char* operation, const LogTarget& target,
                         const Value& body, const Control& control) {
  Call call = json_call(services::logs, std::string("Logs_20140328.") + operation, to_json(body));
  call.region = target.region;
  call.resource = to_string(target);
  const Answer answer = client.send(call, control);
  if (answer.failure && answer.failure->code == "ResourceNotFoundException") return std::nullopt;
  if (answer.failure) throw client.error_of(call, *answer.failure, control);
  if (answer.body.empty()) return Value(Value::Map());
  try {
    return parse_json(answer.body);
  } catch (const Error&) {
    throw Error(Error::Kind::network, std::string("CloudWatch Logs ") + operation +
                                          ": the answer is cut short or no JSON");
  }
}

std::vector<std::string> texts_of(const Value& answer, const char* list, const char* key) {
  std::vector<std::string> texts;
  const Value* items = answer.find(list);
  if (!items || !items->is_list()) return texts;
  for (const Value& item : items->list()) texts.push_back(text_at(item, {key}));
  return texts;
}

}  // namespace

std::optional<LogPage> get_log_events(Client& client, const LogTarget& target,
                                      const std::string& next, const Control& control) {
  Value body = Value::object(
      {{"logGroupName", target.group}, {"logStreamName", target.stream}, {"startFromHead", true}});
  if (!next.empty()) body.set("nextToken", next);
  const auto answer = ask(client, "GetLogEvents", target, body, control);
  if (!answer) return std::nullopt;
  return LogPage{texts_of(*answer, "events", "message"), text_at(*answer, {"nextForwardToken"})};
}

void delete_log_stream(Client& client, const LogTarget& target, const Control& control) {
  ask(client, "DeleteLogStream", target,
      Value::object({{"logGroupName", target.group}, {"logStreamName", target.stream}}), control);
}

void delete_log_streams(Client& client, const LogTarget& prefix, const Control& control) {
  Value body =
      Value::object({{"logGroupName", prefix.group}, {"logStreamNamePrefix", prefix.stream}});
  std::vector<std::string> names;
  for (std::string token;;) {
    if (!token.empty()) body.set("nextToken", token);
    const auto answer = ask(client, "DescribeLogStreams", prefix, body, control);
    if (!answer) break;
    for (std::string& name : texts_of(*answer, "logStreams", "logStreamName")) {
      names.push_back(std::move(name));
    }
    token = text_at(*answer, {"nextToken"});
    if (token.empty()) break;
  }
  for (const std::string& name : names) {
    delete_log_stream(client, {prefix.region, prefix.group, name}, control);
  }
}

}  // namespace toehold::aws
