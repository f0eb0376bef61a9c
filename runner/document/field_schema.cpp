#include "runner/document/field_schema.hpp"

namespace toehold {

Value strings(std::initializer_list<const char*> texts) {
  Value::List list;
  for (const char* text : texts) list.emplace_back(text);
  return Value(std::move(list));
}

Value strings(std::span<const std::string> texts) {
  Value::List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return Value(std::move(list));
}

Value text_with_pattern(const std::string& pattern) {
  return Value::object({{"type", "string"}, {"pattern", pattern}});
}

Value any_of(Value::List alternatives) {
  return Value::object({{"anyOf", Value(std::move(alternatives))}});
}

Value list_or_one(Value list, Value item) {
  return Value::object({{"if", Value::object({{"type", "array"}})},
                        {"then", std::move(list)},
                        {"else", std::move(item)}});
}

Value list_schema(Value items) {
  return Value::object({{"type", "array"}, {"minItems", 1}, {"items", std::move(items)}});
}

namespace {

constexpr const char* any_reference = "\\{\\{.*\\}\\}";

/// A regular expression for `text` without regard to case; the dialect has no flag for that.
std::string ignoring_case(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool upper = c >= 'A' && c <= 'Z';
    if (lower || upper) {
      const char other = static_cast<char>(lower ? c - 'a' + 'A' : c - 'A' + 'a');
      pattern += std::string("[") + c + other + "]";
    } else if ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == ' ') {
      pattern += c;
    } else {
      pattern += std::string("\\") + c;
    }
  }
  return pattern;
}

std::string description_of(const FieldInfo& field) {
  return field.default_text.empty() ? field.doc
                                    : field.doc + " Default: " + field.default_text + ".";
}

Value::List choice_alternatives(const FieldInfo& field) {
  std::string pattern;
  for (const std::string& choice : field.choices) {
    pattern += (pattern.empty() ? "^(" : "|") + ignoring_case(choice);
  }
  return {Value::object({{"enum", strings(field.choices)}}), text_with_pattern(pattern + ")$")};
}

Value integer_alternative(const FieldInfo& field) {
  Value schema = Value::object({{"type", "integer"}});
  if (field.minimum != std::numeric_limits<std::int64_t>::min()) {
    schema.set("minimum", field.minimum);
  }
  if (field.maximum != std::numeric_limits<std::int64_t>::max()) {
    schema.set("maximum", field.maximum);
  }
  return schema;
}

/// What the field takes, in any of the spellings that the reader understands.
Value::List alternatives(const FieldInfo& field, References references) {
  switch (field.type) {
    case FieldType::text:
      if (!field.choices.empty()) return choice_alternatives(field);
      return {Value::object({{"type", strings({"string", "number", "boolean"})}})};
    case FieldType::boolean:
      return {
          Value::object({{"type", "boolean"}}),
          text_with_pattern("^(" + ignoring_case("true") + "|" + ignoring_case("false") + ")$")};
    case FieldType::integer:
      return {integer_alternative(field), text_with_pattern("^[-+]?[0-9]+$")};
    case FieldType::number:
      return {Value::object({{"type", "number"}}), text_with_pattern("^[-+.0-9eE]+$")};
    case FieldType::text_list:
      if (!field.choices.empty()) {
        Value::List items = choice_alternatives(field);
        if (references == References::yes) items.push_back(text_with_pattern(any_reference));
        return {Value::object({{"type", "array"}, {"items", any_of(std::move(items))}})};
      }
      return {Value::object(
          {{"type", "array"},
           {"items",
            Value::object({{"type", strings({"string", "number", "boolean", "null"})}})}})};
    case FieldType::text_map:
      return {Value::object(
          {{"type", "object"},
           {"additionalProperties",
            Value::object({{"type", strings({"string", "number", "boolean", "null"})}})}})};
    case FieldType::record:
      return {object_schema(field.fields, references)};
    case FieldType::record_list:
      return {
          Value::object({{"type", "array"}, {"items", object_schema(field.fields, references)}})};
    case FieldType::any:
      break;
  }
  return {Value::object({})};
}

Value field_schema(const FieldInfo& field, References references) {
  Value::List options = alternatives(field, references);
  const bool is_list_or_map =
      field.type == FieldType::text_list || field.type == FieldType::text_map ||
      field.type == FieldType::record || field.type == FieldType::record_list;
  const bool takes_any_text = field.type == FieldType::text && field.choices.empty();
  if (field.type != FieldType::any) {
    if (references == References::yes && !is_list_or_map && !takes_any_text) {
      options.push_back(text_with_pattern(any_reference));
    }
    if (!field.required) options.push_back(Value::object({{"type", "null"}}));
  }
  Value schema = options.size() == 1 ? std::move(options.front()) : any_of(std::move(options));
  if (schema.is_null()) schema = Value(Value::Map());
  schema.set("description", description_of(field));
  return schema;
}

}  // namespace

Value object_schema(std::span<const FieldInfo> fields, References references) {
  Value properties{Value::Map()};
  Value::List required;
  for (const FieldInfo& field : fields) {
    properties.set(field.name, field_schema(field, references));
    if (field.required) required.emplace_back(field.name);
  }
  Value schema = Value::object(
      {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}});
  if (!required.empty()) schema.set("required", Value(std::move(required)));
  return schema;
}

void refine(Value& object, const char* key, Value schema) {
  Value& slot = *object.find("properties")->find(key);
  schema.set("description", *slot.find("description"));
  slot = std::move(schema);
}

}  // namespace toehold
