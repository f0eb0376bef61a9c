// Systems Manager as a way to machines: Run Command, which instances are there to run one, and
// writing a parameter. Called by the SSM transport and by the distribution of images; each function
// is one call (or its pages), knows no instance's state and waits for nothing.
// Source: the Systems Manager API Reference.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runner/aws/client.hpp"

namespace toehold::aws {

/// A command line for AWS-RunShellScript, which runs it as root with `sh`.
struct CommandRequest {
  std::string instance_id;
  std::vector<std::string> lines;
  std::chrono::seconds delivery_timeout{60};     // 30 s to 30 days: it has not begun by then
  std::chrono::seconds execution_timeout{3600};  // 1 s to 48 h
  std::string comment;                           // shown in the console; at most 100 characters
};
/// The command's id. Throws Error(network) when it may or may not have been taken (throttling that
/// outlasts the tries is that, too), Error(aws).
std::string send_command(Client& client, const std::string& region, const CommandRequest& request,
                         const Control& control);

/// How a command is doing on one instance.
struct CommandInvocation {
  std::string command_id;
  std::string instance_id;
  std::string status;   // "Pending", "InProgress", "Success", "Failed", "TimedOut" ...
  std::string details;  // the same said more exactly: "DeliveryTimedOut"
  int exit_code = -1;   // -1: it has not ended
  std::string out;      // the first 24,000 characters; only once it has ended
  std::string err;      // the first 8,000
  std::string comment;  // of the request
  /// Nothing will change any more.
  bool has_ended() const;
};
/// nullopt: the service does not know it (yet).
std::optional<CommandInvocation> get_command_invocation(Client& client, const std::string& region,
                                                        const std::string& command_id,
                                                        const std::string& instance_id,
                                                        const Control& control);
/// Of one command or, when `command_id` is empty, all of an instance; without output.
std::vector<CommandInvocation> list_command_invocations(Client& client, const std::string& region,
                                                        const std::string& command_id,
                                                        const std::string& instance_id,
                                                        const Control& control);
/// All of the account and region that were sent after `since`, have begun and not ended; without
/// output. The service keeps all of a month and looks at each behind its pages: the later, the
/// fewer calls it takes.
std::vector<CommandInvocation> commands_in_progress(Client& client, const std::string& region,
                                                    UnixMillis since, const Control& control);
/// Asks for its end, which may come later or not at all. Nothing happens when it has ended.
void cancel_command(Client& client, const std::string& region, const std::string& command_id,
                    const std::string& instance_id, const Control& control);

/// An instance whose SSM agent has reported at least once.
struct ManagedInstance {
  std::string instance_id;
  std::string ping_status;  // "Online", "ConnectionLost", "Inactive"
  std::string agent_version;
  std::string platform;  // "Amazon Linux 2023"
};
/// Those of `instance_ids` that are there; 1 to 50 ids. Throws Error(aws) when it calls one of
/// several invalid: ask for each of them alone.
std::vector<ManagedInstance> describe_instance_information(
    Client& client, const std::string& region, const std::vector<std::string>& instance_ids,
    const Control& control);

struct NewParameter {
  std::string name;
  std::string value;  // in no message
  std::string type = "String";
  std::string data_type = "text";  // "aws:ec2:image": checked by the service later
  std::string description;
  std::string tier;  // empty: the account's default
  bool overwrite = true;
};
/// Its new version.
std::int64_t put_parameter(Client& client, const std::string& region, const NewParameter& parameter,
                           const Control& control);

}  // namespace toehold::aws
