#include "runner/base/fields.hpp"

#include <algorithm>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

class Checker {
 public:
  Checker(const std::string& owner, const Deferred& deferred, Diagnostics& diagnostics)
      : owner_(owner), deferred_(deferred), diagnostics_(diagnostics) {}

  void members(std::span<const FieldInfo> fields, const Value& map) {
    if (!map.is_map()) {
      wrong(codes::wrong_type, map.where,
            owner_ + " takes " + list_of(fields) + ", not " + kind_name(map));
      return;
    }
    for (const auto& member : map.map()) {
      const auto field = std::find_if(fields.begin(), fields.end(),
                                      [&](const FieldInfo& f) { return f.name == member.key; });
      if (field == fields.end()) {
        unknown(fields, member);
      } else {
        value(*field, member.value, member.where);
      }
    }
    for (const FieldInfo& field : fields) {
      if (std::find(meant_.begin(), meant_.end(), field.name) != meant_.end()) continue;
      if (field.required && !map.find(field.name)) {
        wrong(codes::missing_key, map.where, owner_ + " needs '" + field.name + "'",
              "add '" + field.name + ":' (" + type_name(field.type) + "). " + field.doc);
      }
    }
  }

  bool ok() const { return ok_; }

 private:
  void wrong(const DiagnosticCode& code, SourceLocation where, std::string message,
             std::string hint = {}) {
    ok_ = false;
    diagnostics_.error(code, where, std::move(message), std::move(hint));
  }

  static std::string list_of(std::span<const FieldInfo> fields) {
    const auto names = field_names(fields);
    return names.empty() ? "no keys" : "the keys " + join(names, ", ");
  }

  void unknown(std::span<const FieldInfo> fields, const Value::Member& member) {
    std::string hint = did_you_mean(member.key, field_names(fields));
    if (const auto meant = closest_match(member.key, field_names(fields))) meant_.push_back(*meant);
    if (hint.empty()) hint = owner_ + " takes " + list_of(fields);
    wrong(codes::unknown_key, member.where, owner_ + " does not know the key '" + member.key + "'",
          std::move(hint));
  }

  void value(const FieldInfo& field, const Value& value, SourceLocation key) {
    const SourceLocation where = value.where.known() ? value.where : key;
    if (value.is_null()) {
      if (field.required) {
        wrong(codes::missing_key, where, "'" + field.name + "' of " + owner_ + " has no value",
              "write " + std::string(type_name(field.type)) + " after the colon");
      }
      return;
    }
    if (deferred_ && value.is_scalar() && deferred_(value)) {
      if (is_scalar_type(field.type) || field.type == FieldType::any) return;
    }
    switch (field.type) {
      case FieldType::text:
        text(field, value, where);
        break;
      case FieldType::boolean:
        if (!value.as_yaml_bool()) type_error(field, value, where, boolean_hint(value));
        break;
      case FieldType::integer:
        integer(field, value, where);
        break;
      case FieldType::number:
        if (!value.as_double()) type_error(field, value, where);
        break;
      case FieldType::text_list:
        text_list(field, value, where);
        break;
      case FieldType::text_map:
        if (!value.is_map()) {
          type_error(field, value, where);
        } else {
          for (const auto& member : value.map()) {
            if (!member.value.is_scalar()) type_error(field, member.value, member.where);
          }
        }
        break;
      case FieldType::record:
        members(field.fields, value);
        break;
      case FieldType::record_list:
        if (!value.is_list()) {
          type_error(field, value, where);
        } else {
          for (const Value& item : value.list()) members(field.fields, item);
        }
        break;
      case FieldType::any:
        break;
    }
  }

  static bool is_scalar_type(FieldType type) {
    return type == FieldType::text || type == FieldType::boolean || type == FieldType::integer ||
           type == FieldType::number;
  }

  static std::string boolean_hint(const Value& value) {
    const std::string& word = value.text();
    if (word == "1") return "write true";
    if (word == "0") return "write false";
    return "write true or false";
  }

  void type_error(const FieldInfo& field, const Value& value, SourceLocation where,
                  std::string hint = {}) {
    const std::string found =
        value.is_scalar() ? "'" + value.text() + "'" : std::string(kind_name(value));
    wrong(
        codes::wrong_type, where,
        "'" + field.name + "' of " + owner_ + " takes " + type_name(field.type) + ", not " + found,
        std::move(hint));
  }

  void text(const FieldInfo& field, const Value& value, SourceLocation where) {
    if (!value.is_scalar()) {
      type_error(field, value, where,
                 value.is_map() ? "if this is one text with a colon in it, put it in quotes" : "");
      return;
    }
    if (field.choices.empty()) return;
    const bool known = std::any_of(
        field.choices.begin(), field.choices.end(),
        [&](const std::string& choice) { return equals_ignoring_case(choice, value.text()); });
    if (known) return;
    wrong(codes::invalid_value, where,
          "'" + field.name + "' of " + owner_ + " cannot be '" + value.text() + "'",
          "write one of: " + join(field.choices, ", "));
  }

  void integer(const FieldInfo& field, const Value& value, SourceLocation where) {
    const auto number = value.as_int();
    if (!number) {
      type_error(field, value, where);
    } else if (*number < field.minimum || *number > field.maximum) {
      wrong(codes::invalid_value, where,
            "'" + field.name + "' of " + owner_ + " is out of range: " + value.text(),
            "write a number from " + std::to_string(field.minimum) + " to " +
                std::to_string(field.maximum));
    }
  }

  void text_list(const FieldInfo& field, const Value& value, SourceLocation where) {
    if (!value.is_list()) {
      type_error(field, value, where,
                 value.is_scalar() ? "put '- ' before it to make it a list of one" : "");
      return;
    }
    for (const Value& item : value.list()) {
      if (item.is_scalar()) continue;
      std::string hint;
      if (item.is_map() && !item.map().empty()) {
        hint =
            "the ': ' makes YAML read this entry as a map; put the whole entry in quotes or "
            "write it below '- |'";
      }
      wrong(codes::wrong_type, item.where,
            "an entry of '" + field.name + "' of " + owner_ + " takes text, not " + kind_name(item),
            std::move(hint));
    }
  }

  const std::string& owner_;
  const Deferred& deferred_;
  Diagnostics& diagnostics_;
  bool ok_ = true;
  std::vector<std::string> meant_;  // keys that a misspelt one was meant to be
};

}  // namespace

bool check_fields(std::span<const FieldInfo> fields, const Value& map, const std::string& owner,
                  const Deferred& deferred, Diagnostics& diagnostics) {
  Checker checker(owner, deferred, diagnostics);
  checker.members(fields, map);
  return checker.ok();
}

const char* type_name(FieldType type) {
  switch (type) {
    case FieldType::text:
      return "text";
    case FieldType::boolean:
      return "true or false";
    case FieldType::integer:
      return "a whole number";
    case FieldType::number:
      return "a number";
    case FieldType::text_list:
      return "a list of texts";
    case FieldType::text_map:
      return "a map of texts";
    case FieldType::record:
      return "a map";
    case FieldType::record_list:
      return "a list of maps";
    case FieldType::any:
      return "any value";
  }
  return "";
}

std::vector<std::string> field_names(std::span<const FieldInfo> fields) {
  std::vector<std::string> names;
  for (const FieldInfo& field : fields) names.push_back(field.name);
  return names;
}

namespace field_codec {

void decode(const Value& value, std::string& member) {
  member = value.text();
}
void decode(const Value& value, bool& member) {
  member = value.as_yaml_bool().value_or(false);
}
void decode(const Value& value, int& member) {
  member = static_cast<int>(value.as_int().value_or(0));
}
void decode(const Value& value, std::int64_t& member) {
  member = value.as_int().value_or(0);
}
void decode(const Value& value, double& member) {
  member = value.as_double().value_or(0);
}
void decode(const Value& value, std::vector<std::string>& member) {
  for (const Value& item : value.list()) member.push_back(item.text());
}
void decode(const Value& value, std::vector<std::pair<std::string, std::string>>& member) {
  for (const auto& entry : value.map()) member.emplace_back(entry.key, entry.value.text());
}
void decode(const Value& value, Value& member) {
  member = value;
}

Value encode(const std::vector<std::string>& member) {
  Value::List list;
  for (const std::string& item : member) list.emplace_back(item);
  return Value(std::move(list));
}
Value encode(const std::vector<std::pair<std::string, std::string>>& member) {
  Value::Map map;
  for (const auto& [key, text] : member) map.push_back({key, Value(text), {}});
  return Value(std::move(map));
}

}  // namespace field_codec
}  // namespace toehold
