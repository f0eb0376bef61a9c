#include "runner/aws/kms.hpp"

#include "runner/base/json.hpp"

namespace toehold::aws {

Result<Key> describe_key(Client& client, const std::string& region, const std::string& key,
                         const Control& control) {
  Call call = json_call(services::kms, "TrentService.DescribeKey",
                        to_json(Value::object({{"KeyId", key}})));
  call.region = region;
  call.resource = "key " + key;
  const Answer answer = client.send(call, control);
  if (answer.failure) {
    return {{}, answer.failure, client.error_of(call, *answer.failure, control)};
  }
  const Value body = parse_json(answer.body);
  const Value* metadata = body.find("KeyMetadata");
  const Value* arn = metadata ? metadata->find("Arn") : nullptr;
  const Value* manager = metadata ? metadata->find("KeyManager") : nullptr;
  return {Key{arn ? arn->text() : key, manager && manager->text() == "AWS"}, {}, {}};
}

}  // namespace toehold::aws
