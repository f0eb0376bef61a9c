#include "runner/aws/sns.hpp"

#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr Service sns{"SNS", "sns", "sns", "sns", "sns"};
constexpr std::string_view api_version = "2010-03-31";
constexpr std::size_t longest_subject = 100;

}  // namespace

Result<Done> publish(Client& client, const Notification& notification, const Control& control) {
  Call call =
      query_call(sns, api_version, "Publish",
                 Value::object({{"TopicArn", notification.topic},
                                {"Subject", notification.subject.substr(0, longest_subject)},
                                {"Message", notification.message}}));
  call.region = split(notification.topic, ':').at(3);
  call.resource = notification.topic;
  return send_query(client, call, control).then([](const Value&) { return Done{}; });
}

bool is_topic_arn(const std::string& text) {
  const auto parts = split(text, ':');
  return parts.size() == 6 && parts[0] == "arn" && parts[2] == "sns" && !parts[3].empty() &&
         !parts[4].empty() && !parts[5].empty();
}

}  // namespace toehold::aws
