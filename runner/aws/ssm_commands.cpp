#include "runner/aws/ssm_commands.hpp"

#include <algorithm>
#include <array>

#include "runner/base/json.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

namespace {

constexpr int page = 50;

Call call_of(const std::string& operation, const std::string& region, const Value& body,
             const std::string& resource) {
  Call call = json_call(services::ssm, "AmazonSSM." + operation, to_json(body));
  call.region = region;
  call.resource = resource;
  return call;
}

std::string text_of(const Value& object, const char* name) {
  const Value* value = object.find(name);
  return value && value->is_scalar() && !value->is_null() ? value->text() : std::string();
}

/// The answer's object. It is not quoted: it may hold what a program has printed.
Value read(const Call& call, const std::string& body) {
  try {
    return parse_json(body);
  } catch (const Error&) {
    throw Error(Error::Kind::network,
                "Systems Manager " + call.operation + ": the answer is cut short or no JSON");
  }
}

/// Calls `take` with each answer, page by page. With the code `is_none` there are none.
template <class Take>
void read_pages(Client& client, const std::string& operation, const std::string& region, Value body,
                const std::string& resource, const Control& control, Take take,
                std::string_view is_none = {}) {
  for (std::string token;;) {
    if (!token.empty()) body.set("NextToken", token);
    const Call call = call_of(operation, region, body, resource);
    const Answer taken = client.send(call, control);
    if (taken.failure && !is_none.empty() && taken.failure->code == is_none) return;
    if (taken.failure) throw client.error_of(call, *taken.failure, control);
    const Value answer = read(call, taken.body);
    take(answer);
    token = text_of(answer, "NextToken");
    if (token.empty()) return;
  }
}

CommandInvocation invocation_of(const Value& answer) {
  CommandInvocation result;
  result.command_id = text_of(answer, "CommandId");
  result.instance_id = text_of(answer, "InstanceId");
  result.status = text_of(answer, "Status");
  result.details = text_of(answer, "StatusDetails");
  const Value* code = answer.find("ResponseCode");
  if (code) result.exit_code = static_cast<int>(code->as_int().value_or(-1));
  result.out = text_of(answer, "StandardOutputContent");
  result.err = text_of(answer, "StandardErrorContent");
  result.comment = text_of(answer, "Comment");
  return result;
}

Value list(const std::vector<std::string>& items) {
  return Value(Value::List(items.begin(), items.end()));
}

}  // namespace

bool CommandInvocation::has_ended() const {
  constexpr std::array over{"Success", "Cancelled", "TimedOut", "Failed"};
  return std::find(over.begin(), over.end(), status) != over.end();
}

std::string send_command(Client& client, const std::string& region, const CommandRequest& request,
                         const Control& control) {
  Value body = Value::object(
      {{"InstanceIds", list({request.instance_id})},
       {"DocumentName", "AWS-RunShellScript"},
       {"TimeoutSeconds", static_cast<std::int64_t>(request.delivery_timeout.count())},
       {"Parameters",
        Value::object(
            {{"commands", list(request.lines)},
             {"executionTimeout", list({std::to_string(request.execution_timeout.count())})}})}});
  if (!request.comment.empty()) body.set("Comment", request.comment);
  Call call = call_of("SendCommand", region, body, request.instance_id);
  call.repeatable = false;
  const Answer taken = client.send(call, control);
  if (taken.failure) throw client.error_of(call, *taken.failure, control);
  const Value answer = read(call, taken.body);
  const Value* command = answer.find("Command");
  const std::string id = command ? text_of(*command, "CommandId") : std::string();
  if (!id.empty()) return id;
  throw Error(Error::Kind::network, "Systems Manager SendCommand: the answer has no command id");
}

std::optional<CommandInvocation> get_command_invocation(Client& client, const std::string& region,
                                                        const std::string& command_id,
                                                        const std::string& instance_id,
                                                        const Control& control) {
  const Call call =
      call_of("GetCommandInvocation", region,
              Value::object({{"CommandId", command_id}, {"InstanceId", instance_id}}), instance_id);
  const Answer answer = client.send(call, control);
  if (!answer.failure) return invocation_of(read(call, answer.body));
  if (answer.failure->code == "InvocationDoesNotExist") return std::nullopt;
  throw client.error_of(call, *answer.failure, control);
}

namespace {

std::vector<CommandInvocation> list_invocations(Client& client, const std::string& region,
                                                Value body, const std::string& resource,
                                                const Control& control) {
  body.set("MaxResults", page);
  std::vector<CommandInvocation> result;
  read_pages(client, "ListCommandInvocations", region, std::move(body), resource, control,
             [&](const Value& answer) {
               const Value* items = answer.find("CommandInvocations");
               if (!items) return;
               for (const Value& item : items->list()) result.push_back(invocation_of(item));
             });
  return result;
}

}  // namespace

std::vector<CommandInvocation> list_command_invocations(Client& client, const std::string& region,
                                                        const std::string& command_id,
                                                        const std::string& instance_id,
                                                        const Control& control) {
  Value body = Value::object({{"InstanceId", instance_id}});
  if (!command_id.empty()) body.set("CommandId", command_id);
  return list_invocations(client, region, std::move(body), instance_id, control);
}

std::vector<CommandInvocation> commands_in_progress(Client& client, const std::string& region,
                                                    UnixMillis since, const Control& control) {
  const auto filter = [](const char* key, const std::string& value) {
    return Value::object({{"key", key}, {"value", value}});
  };
  const Value::List filters{filter("InvokedAfter", rfc3339_utc(since)),
                            filter("Status", "InProgress")};
  return list_invocations(client, region, Value::object({{"Filters", Value(filters)}}), {},
                          control);
}

void cancel_command(Client& client, const std::string& region, const std::string& command_id,
                    const std::string& instance_id, const Control& control) {
  const Call call =
      call_of("CancelCommand", region,
              Value::object({{"CommandId", command_id}, {"InstanceIds", list({instance_id})}}),
              instance_id);
  client.require(call, control);
}

std::vector<ManagedInstance> describe_instance_information(
    Client& client, const std::string& region, const std::vector<std::string>& instance_ids,
    const Control& control) {
  const Value filter = Value::object({{"Key", "InstanceIds"}, {"Values", list(instance_ids)}});
  std::vector<ManagedInstance> result;
  // What EC2 has only just made, or has ended, Systems Manager may call invalid; of several that
  // says nothing of the others.
  const bool is_one = instance_ids.size() == 1;
  read_pages(
      client, "DescribeInstanceInformation", region,
      Value::object({{"Filters", Value(Value::List{filter})}, {"MaxResults", page}}), {}, control,
      [&](const Value& answer) {
        const Value* items = answer.find("InstanceInformationList");
        if (!items) return;
        for (const Value& item : items->list()) {
          result.push_back({text_of(item, "InstanceId"), text_of(item, "PingStatus"),
                            text_of(item, "AgentVersion"), text_of(item, "PlatformName")});
        }
      },
      is_one ? "InvalidInstanceId" : "");
  return result;
}

std::int64_t put_parameter(Client& client, const std::string& region, const NewParameter& parameter,
                           const Control& control) {
  Value body = Value::object({{"Name", parameter.name},
                              {"Value", parameter.value},
                              {"Type", parameter.type},
                              {"DataType", parameter.data_type},
                              {"Overwrite", parameter.overwrite}});
  if (!parameter.description.empty()) body.set("Description", parameter.description);
  if (!parameter.tier.empty()) body.set("Tier", parameter.tier);
  const Call call = call_of("PutParameter", region, body, "parameter " + parameter.name);
  const Value answer = read(call, client.require(call, control).body);
  const Value* version = answer.find("Version");
  return version ? version->as_int().value_or(0) : 0;
}

}  // namespace toehold::aws
