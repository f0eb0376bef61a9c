// Fields<T>: one table that says how a struct stands in a document. Decoding, static checks with
// positions, encoding, help, reference pages and JSON Schema are all read from the same table.
// Called by action inputs, events and `run --config`; knows nothing of templates but through the
// `deferred` predicate that marks a scalar whose value is known only at run time.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"

namespace toehold {

enum class FieldType {
  text,
  boolean,
  integer,
  number,
  text_list,
  text_map,
  record,
  record_list,
  any
};

struct FieldInfo {
  std::string name;
  FieldType type = FieldType::text;
  bool required = false;
  std::string doc;
  std::string default_text;
  std::vector<std::string> choices;  // of a text, or of a list's texts; compared without case;
                                     // empty: anything goes
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::vector<FieldInfo> fields;  // of record and record_list
};

namespace codes {
inline constexpr DiagnosticCode unknown_key{"unknown-key", "A key that does not belong there."};
inline constexpr DiagnosticCode missing_key{"missing-key", "A required key is not there."};
inline constexpr DiagnosticCode wrong_type{"wrong-type",
                                           "A value of another kind than the key takes."};
inline constexpr DiagnosticCode invalid_value{"invalid-value",
                                              "A value outside of what the key takes."};
}  // namespace codes

/// True for a scalar whose text is completed later (it holds a reference), so it cannot be judged.
using Deferred = std::function<bool(const Value&)>;

/// Reports unknown, missing and badly typed members of `map`. `owner` is what messages call it:
/// "action 'CreateFile'". Returns whether nothing was wrong.
bool check_fields(std::span<const FieldInfo> fields, const Value& map, const std::string& owner,
                  const Deferred& deferred, Diagnostics& diagnostics);

/// What check_fields has nothing against, for who goes on to check it.
struct GoodMembers {
  Value map{Value::Map()};          // positions as written, choices spelled as in the table
  std::vector<std::string> spoilt;  // fields that were meant, but are not in `map`
  bool is_spoilt(std::string_view key) const;
};
/// Reports as check_fields does. Of maps and lists inside, the good members and items are kept; so
/// an item of a list may be without a key that it needs.
GoodMembers good_members(std::span<const FieldInfo> fields, const Value& map,
                         const std::string& owner, Diagnostics& diagnostics);

/// "text", "true or false", "a whole number", "a list of texts" ...: in the words of a message.
const char* type_name(FieldType type);
/// "10 to 10080"; empty if every number goes.
std::string range_text(const FieldInfo& field);
/// "a whole number, 10 to 10080": the type with what is known of its values.
std::string type_text(const FieldInfo& field);
std::vector<std::string> field_names(std::span<const FieldInfo> fields);

namespace field_codec {
inline FieldType type(const std::string*) {
  return FieldType::text;
}
inline FieldType type(const bool*) {
  return FieldType::boolean;
}
inline FieldType type(const int*) {
  return FieldType::integer;
}
inline FieldType type(const std::int64_t*) {
  return FieldType::integer;
}
inline FieldType type(const double*) {
  return FieldType::number;
}
inline FieldType type(const std::vector<std::string>*) {
  return FieldType::text_list;
}
inline FieldType type(const std::vector<std::pair<std::string, std::string>>*) {
  return FieldType::text_map;
}
inline FieldType type(const Value*) {
  return FieldType::any;
}
template <class M>
FieldType type(const std::optional<M>*) {
  return type(static_cast<const M*>(nullptr));
}

// Called after check_fields has passed. They cannot fail: what does not fit gives an empty value.
void decode(const Value& value, std::string& member);
void decode(const Value& value, bool& member);
void decode(const Value& value, int& member);
void decode(const Value& value, std::int64_t& member);
void decode(const Value& value, double& member);
void decode(const Value& value, std::vector<std::string>& member);
void decode(const Value& value, std::vector<std::pair<std::string, std::string>>& member);
void decode(const Value& value, Value& member);
template <class M>
void decode(const Value& value, std::optional<M>& member) {
  decode(value, member.emplace());
}

Value encode(const std::vector<std::string>& member);
Value encode(const std::vector<std::pair<std::string, std::string>>& member);
template <class M>
Value encode(const M& member) {
  return Value(member);
}
template <class M>
std::optional<Value> encode(const std::optional<M>& member) {
  if (!member) return std::nullopt;
  return encode(*member);
}
}  // namespace field_codec

template <class T>
class Fields {
 public:
  template <class M>
  Fields& required(std::string name, M T::*member, std::string doc) {
    return add(std::move(name), member, std::move(doc), true, {});
  }
  /// `default_text` is for readers of the help; the default itself is the member's initializer.
  template <class M>
  Fields& optional(std::string name, M T::*member, std::string doc, std::string default_text = {}) {
    return add(std::move(name), member, std::move(doc), false, std::move(default_text));
  }
  /// For a list of `{...}` items: the items' own table; the member is a Value.
  Fields& required_records(std::string name, Value T::*member, std::vector<FieldInfo> fields,
                           std::string doc) {
    add(std::move(name), member, std::move(doc), true, {});
    return records(std::move(fields));
  }
  Fields& optional_records(std::string name, Value T::*member, std::vector<FieldInfo> fields,
                           std::string doc) {
    add(std::move(name), member, std::move(doc), false, {});
    return records(std::move(fields));
  }
  /// For one `{...}`: its own table; the member is a Value.
  Fields& optional_record(std::string name, Value T::*member, std::vector<FieldInfo> fields,
                          std::string doc) {
    add(std::move(name), member, std::move(doc), false, {});
    info_.back().type = FieldType::record;
    info_.back().fields = std::move(fields);
    return *this;
  }
  /// These narrow the field added last.
  Fields& choices(std::vector<std::string> allowed) {
    info_.back().choices = std::move(allowed);
    return *this;
  }
  Fields& range(std::int64_t minimum, std::int64_t maximum) {
    info_.back().minimum = minimum;
    info_.back().maximum = maximum;
    return *this;
  }

  const std::vector<FieldInfo>& info() const { return info_; }

  /// Checks and decodes; nullopt after errors, which are in `diagnostics`.
  std::optional<T> decode(const Value& map, const std::string& owner,
                          Diagnostics& diagnostics) const {
    if (!check_fields(info_, map, owner, nullptr, diagnostics)) return std::nullopt;
    return decode_good(map);
  }

  /// Of the map of good_members: what is not in it has its default.
  T decode_good(const Value& map) const {
    T result{};
    for (std::size_t i = 0; i < info_.size(); ++i) {
      const Value* value = map.find(info_[i].name);
      if (value && !value->is_null()) decoders_[i](*value, result);
    }
    return result;
  }

  Value encode(const T& record) const {
    Value::Map map;
    for (std::size_t i = 0; i < info_.size(); ++i) {
      if (auto value = encoders_[i](record)) map.push_back({info_[i].name, std::move(*value), {}});
    }
    return Value(std::move(map));
  }

 private:
  template <class M>
  Fields& add(std::string name, M T::*member, std::string doc, bool required,
              std::string default_text) {
    FieldInfo info;
    info.name = std::move(name);
    info.type = field_codec::type(static_cast<const M*>(nullptr));
    info.required = required;
    info.doc = std::move(doc);
    info.default_text = std::move(default_text);
    info_.push_back(std::move(info));
    decoders_.push_back(
        [member](const Value& value, T& record) { field_codec::decode(value, record.*member); });
    encoders_.push_back([member](const T& record) -> std::optional<Value> {
      return field_codec::encode(record.*member);
    });
    return *this;
  }
  Fields& records(std::vector<FieldInfo> fields) {
    info_.back().type = FieldType::record_list;
    info_.back().fields = std::move(fields);
    return *this;
  }

  std::vector<FieldInfo> info_;
  std::vector<std::function<void(const Value&, T&)>> decoders_;
  std::vector<std::function<std::optional<Value>(const T&)>> encoders_;
};

}  // namespace toehold
