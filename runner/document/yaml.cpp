#include "runner/document/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cstdio>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "runner/base/fields.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/mistakes.hpp"

namespace toehold {

namespace {

/// Ends the parser early; what was wrong stands in the diagnostics already.
struct Refused {};

SourceLocation location(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The YAML 1.2 core schema; what 1.1 adds (yes, on, 1_000, 0b1) stays text.
Value::Kind plain_kind(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return Value::Kind::null;
  }
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return Value::Kind::boolean;
  }
  std::string_view digits = text;
  if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
  if (is_digits(digits)) return Value::Kind::integer;
  const std::size_t first = digits.find_first_not_of("0123456789.");
  const bool number_like = !digits.empty() && digits.find_first_of("0123456789") == 0;
  if (number_like &&
      (first == std::string_view::npos || digits[first] == 'e' || digits[first] == 'E')) {
    if (Value(text).as_double()) return Value::Kind::number;
  }
  return Value::Kind::string;
}

/// Builds the Value while yaml-cpp reads: no second tree, every limit is checked as it grows.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const SourceText& source, const YamlLimits& limits, Diagnostics& diagnostics)
      : source_(source), limits_(limits), diagnostics_(diagnostics) {}

  std::optional<Value> take() { return std::move(root_); }

  /// yaml-cpp takes a quote that is never closed for one that ends with the text. Only the last
  /// scalar can be such a one.
  void check_last_quote() {
    if (!last_quoted_.known()) return;
    const std::string& text = source_.text();
    std::size_t at = text.find_first_of("'\"", source_.offset_of(last_quoted_));
    if (at == std::string::npos) return;
    const char quote = text[at++];
    for (; at < text.size(); ++at) {
      if (text[at] == '\\' && quote == '"') {
        ++at;
      } else if (text[at] == quote) {
        if (quote == '"' || at + 1 == text.size() || text[at + 1] != '\'') return;
        ++at;
      }
    }
    diagnostics_.error(codes::yaml_syntax, last_quoted_, "this quote is never closed",
                       std::string("close it with ") + quote);
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Value value;
    value.where = location(mark);
    value.style = Value::Style::plain;
    add_scalar(std::move(value), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const SourceLocation where = location(mark);
    Value value;
    if (tag == "?") {
      value = Value::scalar(plain_kind(text), text);
      value.style = Value::Style::plain;
    } else {
      value = tagged_scalar(tag, text, where);
      value.style = quoted_style(where);
    }
    value.where = where;
    const bool quoted =
        value.style == Value::Style::single_quoted || value.style == Value::Style::double_quoted;
    last_quoted_ = quoted ? where : SourceLocation{};
    add_scalar(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const SourceLocation where = location(mark);
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      diagnostics_.error(codes::alias_cycle, where, "this alias stands inside of what it names",
                         "a document cannot contain itself; write the part out");
      throw Refused{};
    }
    count(known->second.nodes, where);
    Value value = known->second.value;
    value.where = where;
    add(std::move(value), known->second.nodes);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Value(Value::List()), mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Value(Value::Map()), mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Value value;
    YAML::anchor_t anchor = 0;
    std::size_t nodes = 1;
    std::optional<Value> key;                              // of a map: read, its value not yet
    std::unordered_map<std::string, SourceLocation> keys;  // of a large map
  };
  struct Anchored {
    Value value;
    std::size_t nodes = 1;
  };

  void count(std::size_t nodes, SourceLocation where) {
    nodes_ += nodes;
    if (nodes_ <= limits_.nodes) return;
    diagnostics_.error(codes::limit, where,
                       "the document has more than " + std::to_string(limits_.nodes) +
                           " values once its aliases are written out",
                       "split it, and call the parts with ExecuteDocument");
    throw Refused{};
  }

  Value tagged_scalar(const std::string& tag, const std::string& text, SourceLocation where) {
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return Value(text);
    for (const char* core : {"int", "float", "bool", "null"}) {
      if (tag == std::string("tag:yaml.org,2002:") + core) {
        return Value::scalar(plain_kind(text), text);
      }
    }
    foreign_tag(tag, where);
    return Value(text);
  }

  void check_collection_tag(const std::string& tag, SourceLocation where) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:seq" ||
        tag == "tag:yaml.org,2002:map") {
      return;
    }
    foreign_tag(tag, where);
  }

  void foreign_tag(const std::string& tag, SourceLocation where) {
    static const std::unordered_set<std::string> functions{
        "!Sub",    "!Ref",    "!GetAtt", "!Join",      "!Select",      "!Split",
        "!If",     "!Base64", "!Cidr",   "!FindInMap", "!ImportValue", "!GetAZs",
        "!Equals", "!And",    "!Or",     "!Not",       "!Transform"};
    if (functions.contains(tag)) {
      diagnostics_.error(codes::yaml_tag, where,
                         "'" + tag + "' is a CloudFormation function, and nothing resolves it here",
                         "this is a template's text, not a component document's: write the value, "
                         "or declare a parameter and write '{{ Name }}'");
    } else {
      diagnostics_.error(codes::yaml_tag, where, "the tag '" + tag + "' means nothing here",
                         "leave it out");
    }
  }

  Value::Style quoted_style(SourceLocation where) const {
    const std::string& text = source_.text();
    std::size_t at = source_.offset_of(where);
    // The mark may stand on a tag or an anchor before the scalar.
    while (at < text.size() && (text[at] == '!' || text[at] == '&')) {
      at = text.find_first_of(" \t\n", at);
      if (at == std::string::npos) return Value::Style::plain;
      at = text.find_first_not_of(" \t\n", at);
    }
    if (at >= text.size()) return Value::Style::plain;
    switch (text[at]) {
      case '"':
        return Value::Style::double_quoted;
      case '\'':
        return Value::Style::single_quoted;
      case '|':
        return Value::Style::literal;
      case '>':
        return Value::Style::folded;
      default:
        return Value::Style::plain;
    }
  }

  void add_scalar(Value value, YAML::anchor_t anchor) {
    count(1, value.where);
    if (anchor) anchors_[anchor] = {value, 1};
    add(std::move(value), 1);
  }

  void open(Value value, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    value.where = location(mark);
    count(1, value.where);
    check_collection_tag(tag, value.where);
    if (levels_.size() >= limits_.depth) {
      diagnostics_.error(
          codes::limit, value.where,
          "the document is nested more than " + std::to_string(limits_.depth) + " levels deep",
          "a component document needs about ten; look for a bracket or an "
          "indentation that opens too much");
      throw Refused{};
    }
    Level level;
    level.value = std::move(value);
    level.anchor = anchor;
    levels_.push_back(std::move(level));
  }

  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    if (level.anchor) anchors_[level.anchor] = {level.value, level.nodes};
    add(std::move(level.value), level.nodes);
  }

  void add(Value value, std::size_t nodes) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return;
    }
    Level& level = levels_.back();
    level.nodes += nodes;
    if (level.value.is_list()) {
      level.value.list().push_back(std::move(value));
    } else if (!level.key) {
      level.key = std::move(value);
    } else {
      add_member(level, std::move(value));
    }
  }

  void add_member(Level& level, Value value) {
    const Value key = std::move(*level.key);
    level.key.reset();
    if (!key.is_scalar()) {
      const bool reference =
          std::string_view(source_.text()).substr(source_.offset_of(level.value.where), 2) == "{{";
      diagnostics_.error(codes::wrong_type, reference ? level.value.where : key.where,
                         reference ? "a value that begins with '{' is a map to YAML"
                                   : std::string("a key has to be text, not ") + kind_name(key),
                         "if this is one text with braces or brackets in it, put it in quotes");
      return;
    }
    if (key.text() == "<<" && key.style == Value::Style::plain) {
      diagnostics_.error(codes::merge_key, key.where,
                         "merge keys ('<<') are not a part of the "
                         "document language",
                         "write the merged keys out");
      return;
    }
    if (const auto first = find_key(level, key.text())) {
      diagnostics_.error(
          codes::duplicate_key, key.where, "the key '" + key.text() + "' stands twice in this map",
          "the first one is in line " + std::to_string(first->line) + "; remove one of the two");
      return;
    }
    level.value.map().push_back({key.text(), std::move(value), key.where});
    if (!level.keys.empty()) level.keys.emplace(key.text(), key.where);
  }

  static std::optional<SourceLocation> find_key(Level& level, const std::string& key) {
    constexpr std::size_t small = 16;
    const auto& map = level.value.map();
    if (map.size() < small) {
      for (const auto& member : map) {
        if (member.key == key) return member.where;
      }
      return std::nullopt;
    }
    if (level.keys.empty()) {
      for (const auto& member : map) level.keys.emplace(member.key, member.where);
    }
    const auto at = level.keys.find(key);
    if (at == level.keys.end()) return std::nullopt;
    return at->second;
  }

  const SourceText& source_;
  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  std::optional<Value> root_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  SourceLocation last_quoted_;  // unknown when the last scalar is not in quotes
};

bool check_bytes(const SourceText& source, const YamlLimits& limits, Diagnostics& diagnostics) {
  const std::string& text = source.text();
  if (text.size() > limits.bytes) {
    diagnostics.error(codes::limit, {1, 1},
                      "the document has " + format_size(text.size()) + "; the limit is " +
                          format_size(limits.bytes),
                      "split it, and call the parts with ExecuteDocument");
    return false;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    diagnostics.error(codes::encoding, source.location_at(nul), "there is a NUL character here",
                      "the file may be UTF-16: save it as UTF-8");
    return false;
  }
  if (const auto wrong = find_invalid_utf8(text)) {
    char byte[8];
    std::snprintf(byte, sizeof byte, "0x%02X", static_cast<unsigned char>(text[*wrong]));
    diagnostics.error(codes::encoding, source.location_at(*wrong),
                      std::string("the byte ") + byte + " is not UTF-8", "save the file as UTF-8");
    return false;
  }
  return true;
}

/// yaml-cpp keeps every token until it knows whether a bracket is a key, at some 230 bytes each;
/// the depth limit would come too late. Scripts leave brackets open too, but not so many.
bool check_brackets(const SourceText& source, Diagnostics& diagnostics) {
  constexpr long most_open = 20'000;
  long open = 0;
  const std::string& text = source.text();
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open <= most_open) continue;
    diagnostics.error(codes::limit, source.location_at(at),
                      "more than " + std::to_string(most_open) + " brackets are open here",
                      "a component document needs a few; look for one that is never closed");
    return false;
  }
  return true;
}

}  // namespace

std::optional<Value> read_yaml(const SourcePtr& source, Diagnostics& diagnostics,
                               const YamlLimits& limits) {
  if (!check_bytes(*source, limits, diagnostics) || !check_brackets(*source, diagnostics)) {
    return std::nullopt;
  }
  Builder builder(*source, limits, diagnostics);
  try {
    std::istringstream stream(source->text());
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics.error(codes::yaml_syntax, {1, 1}, "the document is empty",
                        "it needs 'schemaVersion: 1.0' and 'phases:'");
      return std::nullopt;
    }
    builder.check_last_quote();
    Diagnostics ignored(source);
    Builder second(*source, limits, ignored);
    if (parser.HandleNextDocument(second)) {
      const auto more = second.take();
      diagnostics.error(codes::yaml_syntax, more ? more->where : SourceLocation{},
                        "a second document begins after '---'",
                        "put every component document in a file of its own");
    }
  } catch (const Refused&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    explain_syntax_error(*source, location(error.mark), error.msg, diagnostics);
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace toehold
