// Value: the one tree type that YAML, JSON, inputs, outputs and events are read into and written
// from. A scalar keeps the text it was written as, so `0777` and `1.10` survive unchanged, and
// every node keeps its place in the document. Called everywhere; never converts behind one's back.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runner/base/source.hpp"

namespace toehold {

class Value {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, list, map };
  /// How a scalar stood in the document. `none`: made by the program or read from JSON.
  enum class Style : std::uint8_t { none, plain, single_quoted, double_quoted, literal, folded };

  struct Member;
  using List = std::vector<Value>;
  using Map = std::vector<Member>;

  Value() = default;
  Value(bool value);
  Value(int value) : Value(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value);
  Value(double value);
  Value(std::string text);
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(List list);
  Value(Map map);
  /// `Value::object({{"a", 1}, {"b", "x"}})`
  static Value object(std::initializer_list<std::pair<std::string, Value>> members);
  /// A scalar of a known kind that keeps `text` as its spelling; for the readers.
  static Value scalar(Kind kind, std::string text);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_map() const { return kind_ == Kind::map; }
  /// Everything but lists and maps, null included.
  bool is_scalar() const { return kind_ != Kind::list && kind_ != Kind::map; }

  /// The scalar as it was written (`0777`, `yes`, `~`); a quoted scalar without its quotes.
  /// Empty for lists and maps.
  const std::string& text() const;
  /// true/false in any case, whatever the style; nothing else (`yes` and `1` are not booleans).
  std::optional<bool> as_bool() const;
  /// The same, and the other words of YAML 1.1 in any case: yes, no, on, off, y, n.
  std::optional<bool> as_yaml_bool() const;
  /// Decimal digits with an optional sign, in the range of int64.
  std::optional<std::int64_t> as_int() const;
  std::optional<double> as_double() const;

  /// The items or members; empty for other kinds.
  const List& list() const;
  const Map& map() const;
  /// The mutable forms turn a null into an empty list or map first.
  List& list();
  Map& map();

  /// The member's value, or null if this is no map or has no such key. The first one wins.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  /// Adds or replaces a member; turns a null into a map first.
  void set(std::string key, Value value);

  SourceLocation where{};
  Style style = Style::none;

  /// Same kind, spelling and members; positions and styles do not count.
  friend bool operator==(const Value& a, const Value& b);

 private:
  Kind kind_ = Kind::null;
  std::variant<std::string, List, Map> data_;
};

struct Value::Member {
  std::string key;
  Value value;
  SourceLocation where{};  // of the key
};

/// "text", "number", "true/false", "list", "map", "nothing": the kind in a message's words.
const char* kind_name(const Value& value);

}  // namespace toehold
