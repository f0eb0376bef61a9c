#include "runner/base/value.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "runner/base/text.hpp"

namespace toehold {

namespace {
const std::string no_text;
const Value::List no_list;
const Value::Map no_map;

std::string shortest(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}
}  // namespace

Value::Value(bool value) : kind_(Kind::boolean), data_(std::string(value ? "true" : "false")) {}
Value::Value(std::int64_t value) : kind_(Kind::integer), data_(std::to_string(value)) {}
Value::Value(double value) : kind_(Kind::number), data_(shortest(value)) {}
Value::Value(std::string text) : kind_(Kind::string), data_(std::move(text)) {}
Value::Value(List list) : kind_(Kind::list), data_(std::move(list)) {}
Value::Value(Map map) : kind_(Kind::map), data_(std::move(map)) {}

Value Value::object(std::initializer_list<std::pair<std::string, Value>> members) {
  Map map;
  map.reserve(members.size());
  for (const auto& [key, value] : members) map.push_back({key, value, {}});
  return Value(std::move(map));
}

Value Value::scalar(Kind kind, std::string text) {
  Value value(std::move(text));
  value.kind_ = kind;
  return value;
}

const std::string& Value::text() const {
  const auto* text = std::get_if<std::string>(&data_);
  return text ? *text : no_text;
}

std::optional<bool> Value::as_bool() const {
  if (!is_scalar()) return std::nullopt;
  if (equals_ignoring_case(text(), "true")) return true;
  if (equals_ignoring_case(text(), "false")) return false;
  return std::nullopt;
}

std::optional<bool> Value::as_yaml_bool() const {
  for (const char* word : {"yes", "on", "y"}) {
    if (equals_ignoring_case(text(), word)) return true;
  }
  for (const char* word : {"no", "off", "n"}) {
    if (equals_ignoring_case(text(), word)) return false;
  }
  return as_bool();
}

std::optional<std::int64_t> Value::as_int() const {
  if (!is_scalar()) return std::nullopt;
  std::string_view digits = text();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return result;
}

std::optional<double> Value::as_double() const {
  if (!is_scalar()) return std::nullopt;
  std::string_view digits = text();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double result = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (!std::isfinite(result)) return std::nullopt;
  return result;
}

const Value::List& Value::list() const {
  const auto* list = std::get_if<List>(&data_);
  return list ? *list : no_list;
}

const Value::Map& Value::map() const {
  const auto* map = std::get_if<Map>(&data_);
  return map ? *map : no_map;
}

Value::List& Value::list() {
  if (kind_ == Kind::null) {
    kind_ = Kind::list;
    data_ = List();
  }
  return std::get<List>(data_);
}

Value::Map& Value::map() {
  if (kind_ == Kind::null) {
    kind_ = Kind::map;
    data_ = Map();
  }
  return std::get<Map>(data_);
}

const Value* Value::find(std::string_view key) const {
  for (const Member& member : map()) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

void Value::set(std::string key, Value value) {
  if (Value* known = find(key)) {
    *known = std::move(value);
  } else {
    map().push_back({std::move(key), std::move(value), {}});
  }
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind_ != b.kind_) return false;
  if (a.is_list()) return a.list() == b.list();
  if (!a.is_map()) return a.kind_ == Value::Kind::null || a.text() == b.text();
  const auto& left = a.map();
  const auto& right = b.map();
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].key != right[i].key || !(left[i].value == right[i].value)) return false;
  }
  return true;
}

const char* kind_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return "nothing";
    case Value::Kind::boolean:
      return "true/false";
    case Value::Kind::integer:
    case Value::Kind::number:
      return "a number";
    case Value::Kind::string:
      return "text";
    case Value::Kind::list:
      return "a list";
    case Value::Kind::map:
      return "a map";
  }
  return "nothing";
}

}  // namespace toehold
