// Makes the Value while YAML is read: no second tree, and every limit is checked as it grows.
// Called by read_yaml with what the library finds; reports duplicate keys, foreign tags, merge
// keys and aliases to what is still open. Knows nothing of the library.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"
#include "runner/document/yaml.hpp"

namespace toehold {

class TreeBuilder {
 public:
  /// Thrown when reading cannot go on; what is wrong stands in the diagnostics.
  struct Stop {};
  using Anchor = std::size_t;  // 0: none

  /// The arguments outlive the builder.
  TreeBuilder(const SourceText& source, const YamlLimits& limits, Diagnostics& diagnostics)
      : source_(source), limits_(limits), diagnostics_(diagnostics) {}

  /// `tag` as written, or "?" for a plain scalar and "!" for any other one.
  void scalar(SourceLocation where, const std::string& tag, const std::string& text, Anchor anchor);
  /// `where` may be the place of what follows, if there is no text for the null.
  void null(SourceLocation where, Anchor anchor);
  void alias(SourceLocation where, Anchor anchor);
  /// `value` is an empty list or map.
  void open(Value value, SourceLocation where, const std::string& tag, Anchor anchor);
  void close();

  /// After the last event: a quote that is never closed ends with the text, which goes unnoticed.
  void check_last_quote();
  std::optional<Value> take() { return std::move(root_); }

 private:
  struct Size {
    std::size_t nodes = 1;
    std::size_t bytes = 0;
  };
  struct Level {
    Value value;
    Anchor anchor = 0;
    Size size;
    std::optional<Value> key;                              // of a map: read, its value not yet
    std::unordered_map<std::string, SourceLocation> keys;  // of a large map
  };
  struct Anchored {
    Value value;
    Size size;
  };

  void count(std::size_t nodes, SourceLocation where);
  void count_copy(const Size& size, SourceLocation where);
  void remember(Anchor anchor, const Value& value, const Size& size);
  Value tagged_scalar(const std::string& tag, const std::string& text, SourceLocation where);
  void check_collection_tag(const std::string& tag, SourceLocation where);
  void foreign_tag(const std::string& tag, SourceLocation where);
  void lost_exclamation_mark(SourceLocation where);
  std::size_t content_offset(SourceLocation where) const;
  Value::Style style_at(SourceLocation where) const;
  void add_scalar(Value value, Anchor anchor);
  void add(Value value, const Size& size);
  void add_member(Level& level, Value value);
  void complex_key(const Level& level, const Value& key);
  static std::optional<SourceLocation> find_key(Level& level, const std::string& key);

  const SourceText& source_;
  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  std::optional<Value> root_;
  std::vector<Level> levels_;
  std::unordered_map<Anchor, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::size_t copied_bytes_ = 0;
  SourceLocation last_quoted_;  // unknown when the last scalar is not in quotes
};

}  // namespace toehold
