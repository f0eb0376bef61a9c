#include "runner/controller/ec2_outcome.hpp"

#include "runner/agent/aws_reach.hpp"
#include "runner/aws/sns.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/error.hpp"
#include "runner/base/folder_upload.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/aws_share.hpp"
#include "runner/controller/ec2_place.hpp"

namespace toehold {

namespace {

constexpr std::chrono::minutes upload_time(10);
constexpr std::size_t longest_reason = 1024;  // as Image Builder's failureContext has it

void warn(const BuildContext& context, const std::string& what, const Error& error) {
  context.say("warning: " + what + ": " + error.full_message() +
              (error.hint().empty() ? "" : "\n  = " + error.hint()));
}

const char* status_of(const BuildOutcome& outcome) {
  if (outcome.interrupted) return "CANCELLED";
  return outcome.message.empty() ? "AVAILABLE" : "FAILED";
}

Value state_of(const BuildOutcome& outcome) {
  Value state = Value::object({{"status", status_of(outcome)}});
  if (outcome.message.empty()) return state;
  const std::string reason = to_valid_utf8(outcome.message.substr(0, longest_reason));
  state.set("reason", reason);
  const std::size_t dot = outcome.failed_step.find('.');
  if (dot == std::string::npos) return state;
  const Value failure = Value::object({{"phaseName", outcome.failed_step.substr(0, dot)},
                                       {"stepName", outcome.failed_step.substr(dot + 1)},
                                       {"errorMessage", reason}});
  state.set("failureContext", Value::object({{"componentFailure", failure}}));
  return state;
}

Value ami(const std::string& region, const std::string& image) {
  return Value::object({{"region", region}, {"image", image}});
}

Value amis_of(const BuildOutcome& outcome) {
  Value::List list;
  if (!outcome.manifest) return Value(std::move(list));
  const auto published = published_image(*outcome.manifest);
  bool is_listed = !published;
  for (const DistributionResult& result : outcome.manifest->distributed) {
    if (result.image.empty()) continue;
    Value one = ami(result.region, result.image);
    one.set("name", result.name);
    one.set("accountId", result.account);
    list.push_back(std::move(one));
    is_listed = is_listed || result.image == published->id;
  }
  if (!is_listed) list.insert(list.begin(), ami(published->region, published->id));
  return Value(std::move(list));
}

/// Their address, or empty.
std::string put_logs(const Recipe& recipe, const BuildContext& context, AwsReach& reach) {
  const Ec2Options options = ec2_options(recipe);
  const Value* s3 = options.logging.find("s3Logs");
  const fs::path logs = context.directory / "logs";
  std::error_code error;
  if (!s3 || !fs::exists(logs, error)) return {};
  const ObjectAddress to{aws::text_at(*s3, {"s3BucketName"}),
                         object_key(aws::text_at(*s3, {"s3KeyPrefix"}),
                                    recipe.name + "/" + recipe.version + "/" + context.build_id),
                         {}};
  try {
    reach.objects().put(uploads_of(logs, to),
                        {Deadline(context.clock.monotonic() + upload_time), {}, {}, {}});
    context.say("logs     " + to_string(to));
    return to_string(to);
  } catch (const Error& failure) {
    warn(context, "the logs are not in " + to_string(to), failure);
    return {};
  }
}

void publish_outcome(const Recipe& recipe, const BuildContext& context, const BuildOutcome& outcome,
                     const std::string& logs, AwsReach& reach) {
  const std::string topic = ec2_options(recipe).topic;
  if (topic.empty()) return;
  try {
    aws::publish(
        reach.client(),
        {topic, "toehold: " + recipe.name + " " + recipe.version + " " + status_of(outcome),
         to_json(ec2_outcome_message(recipe, context.build_id, context.started, outcome, logs))},
        reach.control())
        .require();
  } catch (const Error& failure) {
    warn(context, "nobody was told of the end of the build", failure);
  }
}

}  // namespace

Value ec2_outcome_message(const Recipe& recipe, const std::string& build_id, UnixMillis started,
                          const BuildOutcome& outcome, const std::string& logs) {
  Value tags{Value::Map()};
  for (const auto& [key, value] : recipe.tags) tags.set(key, value);
  Value message = Value::object({{"name", recipe.name},
                                 {"version", recipe.version},
                                 {"type", "AMI"},
                                 {"platform", "Linux"},
                                 {"buildId", build_id},
                                 {"state", state_of(outcome)},
                                 {"dateCreated", rfc3339_utc(started)},
                                 {"outputResources", Value::object({{"amis", amis_of(outcome)}})},
                                 {"tags", tags}});
  if (!logs.empty()) message.set("logs", logs);
  return message;
}

void tell_ec2_outcome(const Recipe& recipe, const BuildContext& context,
                      const BuildOutcome& outcome) {
  // Whoever has interrupted the build wants this nevertheless.
  std::optional<AwsShare> own;
  AwsShare& share = context.aws ? *context.aws : own.emplace();
  AwsReach reach({}, share.region(ec2_options(recipe).region).session);
  publish_outcome(recipe, context, outcome, put_logs(recipe, context, reach), reach);
}

}  // namespace toehold
