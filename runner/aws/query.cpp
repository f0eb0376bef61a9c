#include "runner/aws/query.hpp"

#include "runner/aws/xml.hpp"

namespace toehold::aws {

namespace {

void encode(const std::string& name, const Value& value, Query& form) {
  const auto below = [&](const std::string& part) {
    return name.empty() ? part : name + "." + part;
  };
  if (value.is_list()) {
    std::size_t number = 0;
    for (const Value& item : value.list()) encode(below(std::to_string(++number)), item, form);
  } else if (value.is_map()) {
    for (const auto& member : value.map()) encode(below(member.key), member.value, form);
  } else if (!value.is_null()) {
    form.emplace_back(name, value.text());
  }
}

std::string name_of(const Call& call) {
  const std::string on = call.resource.empty() ? "" : " on " + call.resource;
  return std::string(call.service->name) + " " + call.operation + on;
}

Error unreadable(const Call& call, const std::string& why) {
  return Error(Error::Kind::aws, name_of(call) + ": " + why);
}

}  // namespace

Call query_call(const Service& service, std::string_view version, const std::string& operation,
                const Value& parameters) {
  Query form{{"Action", operation}, {"Version", std::string(version)}};
  encode("", parameters, form);
  Call call;
  call.service = &service;
  call.operation = operation;
  call.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  call.body = query_text(form);
  return call;
}

Result<Value> send_query(Client& client, const Call& call, const Control& control) {
  const Answer answer = client.send(call, control);
  if (answer.failure) {
    return {{}, answer.failure, client.error_of(call, *answer.failure, control)};
  }
  Value root = parse_xml_answer(answer.body, name_of(call));
  Value* content = root.find(call.operation + "Response");
  if (!content) throw unreadable(call, "the answer is no " + call.operation + "Response");
  return {std::move(*content), {}, {}};
}

std::vector<Value> items(const Value& parent, std::string_view name) {
  const Value* list = parent.find(name);
  return list ? children(*list, "item") : std::vector<Value>();
}

std::string required_text(const Call& call, const Value& parent,
                          std::initializer_list<std::string_view> path) {
  std::string text = text_at(parent, path);
  if (text.empty()) throw unreadable(call, "the answer has no " + std::string(*(path.end() - 1)));
  return text;
}

}  // namespace toehold::aws
