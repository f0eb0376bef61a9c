#include "runner/report/typed_inputs.hpp"

namespace toehold {

namespace {

Value typed_record(std::span<const FieldInfo> fields, const Value& written);

/// A default_text is prose ("the current user") unless the field can take it as it stands.
Value unset(const FieldInfo& field) {
  const Value text(field.default_text);
  switch (field.type) {
    case FieldType::text:
      return field.choices.empty() ? Value("") : text;
    case FieldType::boolean:
      return Value(text.as_bool().value_or(false));
    case FieldType::integer:
      return Value(text.as_int().value_or(0));
    case FieldType::number:
      return Value(text.as_double().value_or(0));
    default:
      return {};
  }
}

Value typed(const FieldInfo& field, const Value& written) {
  switch (field.type) {
    case FieldType::text:
      return Value(written.text());
    case FieldType::boolean:
      if (const auto value = written.as_yaml_bool()) return Value(*value);
      break;
    case FieldType::integer:
      if (const auto value = written.as_int()) return Value(*value);
      break;
    case FieldType::text_list: {
      Value::List items;
      for (const Value& item : written.list()) items.emplace_back(item.text());
      return Value(std::move(items));
    }
    case FieldType::text_map: {
      Value::Map members;
      for (const auto& member : written.map()) {
        members.push_back({member.key, Value(member.value.text()), {}});
      }
      return Value(std::move(members));
    }
    case FieldType::record:
      return typed_record(field.fields, written);
    case FieldType::record_list: {
      Value::List items;
      for (const Value& item : written.list()) items.push_back(typed_record(field.fields, item));
      return Value(std::move(items));
    }
    case FieldType::number:
    case FieldType::any:
      break;
  }
  return written;
}

Value typed_record(std::span<const FieldInfo> fields, const Value& written) {
  if (!written.is_map()) return written;
  Value::Map members;
  for (const FieldInfo& field : fields) {
    const Value* value = written.find(field.name);
    const bool given = value && !value->is_null();
    members.push_back({field.name, given ? typed(field, *value) : unset(field), {}});
  }
  return Value(std::move(members));
}

}  // namespace

Value typed_inputs(const Value& items, const ActionInfo& action) {
  if (action.shape == InputShape::condition) return items;
  Value::List records;
  for (const Value& item : items.list()) records.push_back(typed_record(action.inputs, item));
  return Value(std::move(records));
}

}  // namespace toehold
