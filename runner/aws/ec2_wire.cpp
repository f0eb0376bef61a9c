#include "runner/aws/ec2_wire.hpp"

#include "runner/aws/credential_sources.hpp"
#include "runner/aws/sts.hpp"
#include "runner/aws/xml.hpp"

namespace toehold::aws::ec2 {

namespace {
constexpr std::string_view api_version = "2016-11-15";
constexpr std::size_t most_ids = 100;

Error in_full(const Error& told, const Region& region, const std::string& encoded,
              const Control& control) {
  const auto denial =
      decode_authorization_message(region.client, region.name, encoded, control).value;
  if (denial) return error_for(*denial, told);
  return Error(told.kind(), told.full_message(),
               told.hint() +
                   "; which resource it was, toehold says when sts:DecodeAuthorizationMessage is "
                   "allowed, too, or: aws sts decode-authorization-message --encoded-message " +
                   encoded);
}

}  // namespace

Value said(const std::string& text) {
  return text.empty() ? Value() : Value(text);
}

Value said(const std::vector<std::string>& texts) {
  return Value(Value::List(texts.begin(), texts.end()));
}

Value filters_of(const Filters& filters) {
  Value::List list;
  for (const Filter& filter : filters) {
    list.push_back(Value::object({{"Name", filter.name}, {"Value", said(filter.values)}}));
  }
  return Value(std::move(list));
}

Value tag_specifications(std::initializer_list<std::pair<const char*, Tags>> specifications) {
  Value::List list;
  for (const auto& [kind, tags] : specifications) {
    Value::List pairs;
    for (const auto& [key, value] : tags) {
      pairs.push_back(Value::object({{"Key", key}, {"Value", value}}));
    }
    if (pairs.empty()) continue;  // EC2 refuses a specification without tags
    list.push_back(Value::object({{"ResourceType", kind}, {"Tag", Value(std::move(pairs))}}));
  }
  return Value(std::move(list));
}

Call ec2_call(const Region& region, const std::string& operation, const Value& parameters,
              const std::string& resource) {
  Call call = query_call(services::ec2, api_version, operation, parameters);
  call.region = region.name;
  call.resource = resource;
  return call;
}

Result<Value> send(const Region& region, const Call& call, const Control& control) {
  Result<Value> answer = send_query(region.client, call, control);
  if (!answer.failure) return answer;
  const std::string encoded = encoded_authorization_message(*answer.failure);
  if (!encoded.empty()) answer.error = in_full(*answer.error, region, encoded, control);
  return answer;
}

Result<Done> do_call(const Region& region, const Call& call, const Control& control) {
  return send(region, call, control).then([](const Value&) { return Done{}; });
}

Result<Value::List> all_pages(const Region& region, const std::string& operation, Value parameters,
                              std::string_view list, const Control& control) {
  Value::List all;
  for (std::string token;;) {
    const Call call = ec2_call(region, operation, parameters);
    const Result<Value> page = send(region, call, control);
    if (!page.ok()) return {{}, page.failure, page.error};
    for (Value& item : items(*page.value, list)) all.push_back(std::move(item));
    const std::string next = text(*page.value, "nextToken");
    if (next.empty()) return {std::move(all), {}, {}};
    if (next == token) {
      throw Error(Error::Kind::aws, "EC2 " + operation + ": the same page is said to come next");
    }
    parameters.set("NextToken", token = next);
  }
}

std::vector<std::vector<std::string>> batches_of(const std::vector<std::string>& ids) {
  std::vector<std::vector<std::string>> batches;
  for (const std::string& id : ids) {
    if (batches.empty() || batches.back().size() == most_ids) batches.emplace_back();
    batches.back().push_back(id);
  }
  return batches;
}

Result<Value::List> all_of(const Region& region, const std::string& operation,
                           const std::string& id_name, const std::vector<std::string>& ids,
                           std::string_view list, const Control& control) {
  Value::List all;
  for (const auto& batch : batches_of(ids)) {
    const Value parameters = Value::object({{id_name, said(batch)}});
    Result<Value::List> some = all_pages(region, operation, parameters, list, control);
    if (!some.ok()) return some;
    for (Value& item : *some.value) all.push_back(std::move(item));
  }
  return {std::move(all), {}, {}};
}

std::string text(const Value& item, std::string_view name) {
  return text_at(item, {name});
}

bool flag(const Value& item, std::string_view name) {
  return text(item, name) == "true";
}

std::optional<std::int64_t> number(const Value& item, std::string_view name) {
  const Value* value = item.find(name);
  return value ? value->as_int() : std::nullopt;
}

std::optional<UnixMillis> time(const Value& item, std::string_view name) {
  return iso_time(text(item, name));
}

std::vector<std::string> texts(const Value& item, std::string_view list) {
  std::vector<std::string> all;
  for (const Value& value : items(item, list)) all.push_back(value.text());
  return all;
}

Reason reason(const Value& item, std::string_view name) {
  return {text_at(item, {name, "code"}), text_at(item, {name, "message"})};
}

Tags tags(const Value& item) {
  Tags all;
  for (const Value& tag : items(item, "tagSet")) all[text(tag, "key")] = text(tag, "value");
  return all;
}

}  // namespace toehold::aws::ec2
