#include "runner/base/fields.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// What one check has found, all levels together. The pointers are into the map that is checked.
struct Findings {
  bool ok = true;
  std::set<const Value*> wrong;
  std::map<const Value*, std::string> spelling;  // of a choice, where the table has another
};

/// `value` as it would be without mistakes.
Value good_part(const Value& value, const Findings& findings) {
  if (const auto at = findings.spelling.find(&value); at != findings.spelling.end()) {
    Value spelled = Value::scalar(value.kind(), at->second);
    spelled.where = value.where;
    spelled.style = value.style;
    return spelled;
  }
  if (value.is_scalar()) return value;
  const auto is_good = [&](const Value& part) { return !findings.wrong.contains(&part); };
  Value part{Value::Map()};
  if (value.is_list()) {
    Value::List items;
    for (const Value& item : value.list()) {
      if (is_good(item)) items.push_back(good_part(item, findings));
    }
    part = Value(std::move(items));
  } else {
    for (const auto& [key, member, where] : value.map()) {
      if (is_good(member)) part.map().push_back({key, good_part(member, findings), where});
    }
  }
  part.where = value.where;
  part.style = value.style;
  return part;
}

/// Of one map; the maps in it have checkers of their own.
class Checker {
 public:
  Checker(std::string owner, const Deferred& deferred, Diagnostics& diagnostics, Findings& findings)
      : owner_(std::move(owner)),
        deferred_(deferred),
        diagnostics_(diagnostics),
        findings_(findings) {}

  void members(std::span<const FieldInfo> fields, const Value& map) {
    if (!map.is_map()) {
      wrong(map, codes::wrong_type, map.where,
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
        told(codes::missing_key, map.where, owner_ + " needs '" + field.name + "'",
             "add '" + field.name + ":' (" + type_text(field) + "). " + field.doc);
      }
    }
  }

  /// Keys that a misspelt one was meant to be.
  std::vector<std::string> meant() && { return std::move(meant_); }

 private:
  void told(const DiagnosticCode& code, SourceLocation where, std::string message,
            std::string hint) {
    findings_.ok = false;
    diagnostics_.error(code, where, std::move(message), std::move(hint));
  }

  void wrong(const Value& value, const DiagnosticCode& code, SourceLocation where,
             std::string message, std::string hint = {}) {
    findings_.wrong.insert(&value);
    told(code, where, std::move(message), std::move(hint));
  }

  std::string of_owner(const FieldInfo& field) const { return "'" + field.name + "' of " + owner_; }

  static std::string list_of(std::span<const FieldInfo> fields) {
    const auto names = field_names(fields);
    return names.empty() ? "no keys" : "the keys " + join(names, ", ");
  }

  void unknown(std::span<const FieldInfo> fields, const Value::Member& member) {
    const std::vector<std::string> names = field_names(fields);
    std::string hint = did_you_mean(member.key, names);
    if (hint.empty()) {
      hint = owner_ + " takes " + list_of(fields);
    } else {
      meant_.push_back(*closest_match(member.key, names));
    }
    wrong(member.value, codes::unknown_key, member.where,
          owner_ + " does not know the key '" + member.key + "'", std::move(hint));
  }

  void value(const FieldInfo& field, const Value& value, SourceLocation key) {
    const SourceLocation where = value.where.known() ? value.where : key;
    if (value.is_null()) {
      if (field.required) {
        wrong(value, codes::missing_key, where, of_owner(field) + " has no value",
              "write " + type_text(field) + " after the colon");
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
        if (!value.as_double()) type_error(field, value, where, "write digits, such as 1.5");
        break;
      case FieldType::text_list:
        text_list(field, value, where);
        break;
      case FieldType::text_map:
        text_map(field, value, where);
        break;
      case FieldType::record:
        below(of_owner(field)).members(field.fields, value);
        break;
      case FieldType::record_list:
        record_list(field, value, where);
        break;
      case FieldType::any:
        break;
    }
  }

  Checker below(std::string owner) const {
    return Checker(std::move(owner), deferred_, diagnostics_, findings_);
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
                  std::string hint) {
    const std::string found =
        value.is_scalar() ? "'" + value.text() + "'" : std::string(kind_name(value));
    wrong(value, codes::wrong_type, where,
          of_owner(field) + " takes " + type_name(field.type) + ", not " + found, std::move(hint));
  }

  /// `of`: the value's name in messages.
  void choice(const FieldInfo& field, const Value& value, SourceLocation where,
              const std::string& of) {
    if (field.choices.empty()) return;
    const auto known = std::find_if(
        field.choices.begin(), field.choices.end(),
        [&](const std::string& choice) { return equals_ignoring_case(choice, value.text()); });
    if (known == field.choices.end()) {
      wrong(value, codes::invalid_value, where, of + " cannot be '" + value.text() + "'",
            "write one of: " + join(field.choices, ", "));
    } else if (*known != value.text()) {
      findings_.spelling.emplace(&value, *known);
    }
  }

  void text(const FieldInfo& field, const Value& value, SourceLocation where) {
    if (value.is_scalar()) return choice(field, value, where, of_owner(field));
    type_error(field, value, where,
               value.is_map() ? "if this is one text with a colon in it, put it in quotes"
                              : "write it without '- ' and brackets");
  }

  void integer(const FieldInfo& field, const Value& value, SourceLocation where) {
    const auto number = value.as_int();
    const std::string range = range_text(field);
    if (!number) {
      type_error(field, value, where,
                 range.empty() ? "write digits only" : "write a number from " + range);
    } else if (*number < field.minimum || *number > field.maximum) {
      wrong(value, codes::invalid_value, where,
            of_owner(field) + " is out of range: " + value.text(), "write a number from " + range);
    }
  }

  void text_list(const FieldInfo& field, const Value& value, SourceLocation where) {
    if (!value.is_list()) {
      type_error(field, value, where,
                 value.is_scalar() ? "put '- ' before it to make it a list of one"
                                   : "write\n" + field.name + ":\n  - TEXT");
      return;
    }
    for (const Value& item : value.list()) {
      if (item.is_scalar()) {
        choice(field, item, item.where, "an entry of " + of_owner(field));
        continue;
      }
      std::string hint = "write one text for each entry";
      if (item.is_map() && !item.map().empty()) {
        hint =
            "the ': ' makes YAML read this entry as a map; put the whole entry in quotes or "
            "write it below '- |'";
      }
      wrong(item, codes::wrong_type, item.where,
            "an entry of " + of_owner(field) + " takes text, not " + kind_name(item),
            std::move(hint));
    }
  }

  void text_map(const FieldInfo& field, const Value& value, SourceLocation where) {
    if (!value.is_map()) {
      return type_error(field, value, where, "write\n" + field.name + ":\n  NAME: TEXT");
    }
    for (const auto& member : value.map()) {
      if (member.value.is_scalar()) continue;
      wrong(member.value, codes::wrong_type, member.where,
            "'" + member.key + "' of " + of_owner(field) + " takes text, not " +
                kind_name(member.value),
            "write\n" + field.name + ":\n  " + member.key + ": TEXT");
    }
  }

  void record_list(const FieldInfo& field, const Value& value, SourceLocation where) {
    if (!value.is_list()) return type_error(field, value, where, record_list_hint(field));
    for (const Value& item : value.list()) {
      below("an item of " + of_owner(field)).members(field.fields, item);
    }
  }

  /// With the keys that an item needs, else the first that it may have.
  static std::string record_list_hint(const FieldInfo& field) {
    std::vector<std::string> keys;
    for (const FieldInfo& one : field.fields) {
      if (one.required) keys.push_back(one.name + ": ...");
    }
    if (keys.empty() && !field.fields.empty()) keys.push_back(field.fields.front().name + ": ...");
    return "write\n" + field.name + ":\n  - {" + join(keys, ", ") + "}";
  }

  const std::string owner_;
  const Deferred& deferred_;
  Diagnostics& diagnostics_;
  Findings& findings_;
  std::vector<std::string> meant_;
};

}  // namespace

bool check_fields(std::span<const FieldInfo> fields, const Value& map, const std::string& owner,
                  const Deferred& deferred, Diagnostics& diagnostics) {
  Findings findings;
  Checker(owner, deferred, diagnostics, findings).members(fields, map);
  return findings.ok;
}

GoodMembers good_members(std::span<const FieldInfo> fields, const Value& map,
                         const std::string& owner, Diagnostics& diagnostics) {
  const Deferred none;
  Findings findings;
  Checker checker(owner, none, diagnostics, findings);
  checker.members(fields, map);
  GoodMembers good;
  good.spoilt = std::move(checker).meant();
  for (const auto& member : map.map()) {
    if (findings.wrong.contains(&member.value)) good.spoilt.push_back(member.key);
  }
  if (map.is_map()) good.map = good_part(map, findings);
  good.map.where = map.where;
  return good;
}

bool GoodMembers::is_spoilt(std::string_view key) const {
  return std::find(spoilt.begin(), spoilt.end(), key) != spoilt.end();
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

std::string range_text(const FieldInfo& field) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (field.minimum == Limits::min() && field.maximum == Limits::max()) return {};
  return std::to_string(field.minimum) + " to " + std::to_string(field.maximum);
}

std::string type_text(const FieldInfo& field) {
  const std::string range = range_text(field);
  return range.empty() ? type_name(field.type) : type_name(field.type) + (", " + range);
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
