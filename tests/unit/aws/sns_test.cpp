#include "runner/aws/sns.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

TEST_CASE("a message goes to the region of its topic") {
  Ec2Harness sns;
  sns.http.add(
      200,
      "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>");
  const std::string topic = "arn:aws:sns:us-west-2:123456789012:builds";
  CHECK(publish(sns.client, {topic, std::string(120, 's'), "{}"}, {}).ok());
  CHECK(sns.http.line(0) == "POST https://sns.us-west-2.amazonaws.com/");
  CHECK(sns.form(0) == "Action=Publish\nMessage={}\nSubject=" + std::string(100, 's') +
                           "\nTopicArn=" + topic + "\n");
}

TEST_CASE("what is denied names the permission and the topic") {
  Ec2Harness sns;
  sns.http.add(403,
               "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not you</Message>"
               "</Error></ErrorResponse>");
  const auto answer = publish(sns.client, {"arn:aws:sns:eu-west-1:1:t", "s", "m"}, {});
  CHECK_THAT(answer.error->full_message(),
             ContainsSubstring("sns:Publish on arn:aws:sns:eu-west-1:1:t is not allowed"));
}

TEST_CASE("what is the ARN of a topic") {
  CHECK(is_topic_arn("arn:aws-cn:sns:cn-north-1:123456789012:builds"));
  CHECK_FALSE(is_topic_arn("builds"));
  CHECK_FALSE(is_topic_arn("arn:aws:sqs:eu-west-1:123456789012:builds"));
  CHECK_FALSE(is_topic_arn("arn:aws:sns::123456789012:builds"));
}
