// SNS: publishes one message. Called by the target ec2 at the end of a build; makes no topic.
// Source: Publish of the SNS API Reference.
#pragma once

#include <string>

#include "runner/aws/query.hpp"

namespace toehold::aws {

struct Notification {
  std::string topic;    // an ARN; its region is the one that is asked
  std::string subject;  // at most 100 printable characters; what is more is cut off
  std::string message;  // at most 256 KiB
};
/// A call that is repeated after a lost answer can publish it twice.
Result<Done> publish(Client& client, const Notification& notification, const Control& control);

/// Whether it is the ARN of a topic, as `arn:aws:sns:REGION:ACCOUNT:NAME`.
bool is_topic_arn(const std::string& text);

}  // namespace toehold::aws
