#include "runner/document/tree_builder.hpp"

#include <algorithm>
#include <unordered_set>

#include "runner/base/fields.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_anchors = 10'000;

/// Takes the digits at the front away.
bool take_digits(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(end);
  return end != 0;
}

/// Of what the YAML 1.2 core schema takes as a number, all but hexadecimal, octal and infinity.
std::optional<Value::Kind> number_kind(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const bool whole = take_digits(text);
  if (whole && text.empty()) return Value::Kind::integer;
  bool fraction = false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (!whole && !fraction) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (!take_digits(text)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return Value::Kind::number;
}

bool is_null(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// What YAML 1.1 adds (yes, on, 1_000, 0b1, dates) stays text.
Value::Kind plain_kind(const std::string& text) {
  if (is_null(text)) return Value::Kind::null;
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return Value::Kind::boolean;
  }
  return number_kind(text).value_or(Value::Kind::string);
}

bool is_cloudformation_function(const std::string& tag) {
  static const std::unordered_set<std::string> functions{
      "!Sub",    "!Ref",    "!GetAtt", "!Join",      "!Select",      "!Split",
      "!If",     "!Base64", "!Cidr",   "!FindInMap", "!ImportValue", "!GetAZs",
      "!Equals", "!And",    "!Or",     "!Not",       "!Transform"};
  return functions.contains(tag);
}

}  // namespace

void TreeBuilder::scalar(SourceLocation where, const std::string& tag, const std::string& text,
                         Anchor anchor) {
  Value value;
  if (tag == "?") {
    value = Value::scalar(plain_kind(text), text);
    value.style = Value::Style::plain;
  } else {
    value = tagged_scalar(tag, text, where);
    value.style = style_at(where);
    if (tag == "!" && value.style == Value::Style::plain) lost_exclamation_mark(where);
  }
  value.where = where;
  const bool quoted =
      value.style == Value::Style::single_quoted || value.style == Value::Style::double_quoted;
  last_quoted_ = quoted ? where : SourceLocation{};
  add_scalar(std::move(value), anchor);
}

void TreeBuilder::null(SourceLocation where, Anchor anchor) {
  const std::string_view text = std::string_view(source_.text()).substr(content_offset(where));
  const std::string_view word = text.substr(0, text.find_first_of(" \t\r\n,]}#"));
  const bool written = !word.empty() && is_null(word);
  Value value = Value::scalar(Value::Kind::null, written ? std::string(word) : std::string());
  value.style = Value::Style::plain;
  // An empty value has no place; its key's is nearer than that of what follows.
  const bool of_key = !levels_.empty() && levels_.back().key;
  value.where = written || !of_key ? where : levels_.back().key->where;
  last_quoted_ = {};
  add_scalar(std::move(value), anchor);
}

void TreeBuilder::alias(SourceLocation where, Anchor anchor) {
  const auto known = anchors_.find(anchor);
  if (known == anchors_.end()) {
    diagnostics_.error(codes::alias_cycle, where, "this alias stands inside of what it names",
                       "a document cannot contain itself; write the part out");
    throw Stop{};
  }
  count_copy(known->second.size, where);
  Value value = known->second.value;
  value.where = where;
  last_quoted_ = {};
  add(std::move(value), known->second.size);
}

void TreeBuilder::open(Value value, SourceLocation where, const std::string& tag, Anchor anchor) {
  value.where = where;
  count(1, where);
  check_collection_tag(tag, where);
  if (levels_.size() >= limits_.depth) {
    diagnostics_.error(
        codes::limit, where,
        "the document is nested more than " + std::to_string(limits_.depth) + " levels deep",
        "a component document needs about ten; look for a bracket or an "
        "indentation that opens too much");
    throw Stop{};
  }
  Level level;
  level.value = std::move(value);
  level.anchor = anchor;
  levels_.push_back(std::move(level));
}

void TreeBuilder::close() {
  Level level = std::move(levels_.back());
  levels_.pop_back();
  remember(level.anchor, level.value, level.size);
  add(std::move(level.value), level.size);
}

void TreeBuilder::count(std::size_t nodes, SourceLocation where) {
  nodes_ += nodes;
  if (nodes_ <= limits_.nodes) return;
  diagnostics_.error(codes::limit, where,
                     "the document has more than " + std::to_string(limits_.nodes) +
                         " values once its aliases are written out",
                     "split it, and call the parts with ExecuteDocument");
  throw Stop{};
}

void TreeBuilder::count_copy(const Size& size, SourceLocation where) {
  count(size.nodes, where);
  copied_bytes_ += size.bytes;
  if (copied_bytes_ <= limits_.bytes) return;
  diagnostics_.error(
      codes::limit, where,
      "anchors and aliases repeat more than " + format_size(limits_.bytes) + " of text",
      "keep such a text in a file of its own, and name the file");
  throw Stop{};
}

void TreeBuilder::remember(Anchor anchor, const Value& value, const Size& size) {
  if (anchor == 0) return;
  if (anchors_.size() >= most_anchors) {
    diagnostics_.error(codes::limit, value.where,
                       "the document has more than " + std::to_string(most_anchors) + " anchors",
                       "leave out the ones that no alias names");
    throw Stop{};
  }
  count_copy(size, value.where);
  anchors_[anchor] = {value, size};
}

Value TreeBuilder::tagged_scalar(const std::string& tag, const std::string& text,
                                 SourceLocation where) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return Value(text);
  for (const char* core : {"int", "float", "bool", "null"}) {
    if (tag == std::string("tag:yaml.org,2002:") + core) {
      return Value::scalar(plain_kind(text), text);
    }
  }
  foreign_tag(tag, where);
  return Value(text);
}

void TreeBuilder::check_collection_tag(const std::string& tag, SourceLocation where) {
  if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:seq" ||
      tag == "tag:yaml.org,2002:map") {
    return;
  }
  foreign_tag(tag, where);
}

void TreeBuilder::foreign_tag(const std::string& tag, SourceLocation where) {
  if (is_cloudformation_function(tag)) {
    diagnostics_.error(codes::yaml_tag, where,
                       "'" + tag + "' is a CloudFormation function, and nothing resolves it here",
                       "this is a template's text, not a component document's: write the value, "
                       "or declare a parameter and write '{{ Name }}'");
  } else {
    diagnostics_.error(codes::yaml_tag, where, "the tag '" + tag + "' means nothing here",
                       "leave it out; if the '!' belongs to a text, put the text in quotes");
  }
}

void TreeBuilder::lost_exclamation_mark(SourceLocation where) {
  const std::string_view line =
      trim(source_.line(where.line)
               .substr(std::min<std::size_t>(where.column - 1, source_.line(where.line).size())));
  diagnostics_.error(codes::yaml_tag, where, "YAML takes this '!' for a tag and drops it",
                     "put the text in quotes: '" + replace_all(line, "'", "''") + "'");
}

/// The place given may be that of a tag or an anchor before the scalar.
std::size_t TreeBuilder::content_offset(SourceLocation where) const {
  const std::string& text = source_.text();
  std::size_t at = source_.offset_of(where);
  while (at < text.size() && (text[at] == '!' || text[at] == '&')) {
    at = text.find_first_of(" \t\r\n", at);
    if (at != std::string::npos) at = text.find_first_not_of(" \t\r\n", at);
  }
  return std::min(at, text.size());
}

Value::Style TreeBuilder::style_at(SourceLocation where) const {
  const std::size_t at = content_offset(where);
  switch (at < source_.text().size() ? source_.text()[at] : ' ') {
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

void TreeBuilder::add_scalar(Value value, Anchor anchor) {
  const Size size{1, value.text().size()};
  count(size.nodes, value.where);
  remember(anchor, value, size);
  add(std::move(value), size);
}

void TreeBuilder::add(Value value, const Size& size) {
  if (levels_.empty()) {
    root_ = std::move(value);
    return;
  }
  Level& level = levels_.back();
  level.size.nodes += size.nodes;
  level.size.bytes += size.bytes;
  if (level.value.is_list()) {
    level.value.list().push_back(std::move(value));
  } else if (!level.key) {
    level.key = std::move(value);
  } else {
    add_member(level, std::move(value));
  }
}

void TreeBuilder::add_member(Level& level, Value value) {
  const Value key = std::move(*level.key);
  level.key.reset();
  if (!key.is_scalar()) {
    complex_key(level, key);
    return;
  }
  if (key.text() == "<<" && key.style == Value::Style::plain) {
    diagnostics_.error(codes::merge_key, key.where,
                       "merge keys ('<<') are not a part of the document language",
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

void TreeBuilder::complex_key(const Level& level, const Value& key) {
  const auto begin = std::string_view(source_.text()).substr(source_.offset_of(level.value.where));
  const bool reference = begin.starts_with("{{");
  diagnostics_.error(codes::wrong_type, reference ? level.value.where : key.where,
                     reference ? "a value that begins with '{' is a map to YAML"
                               : std::string("a key has to be text, not ") + kind_name(key),
                     "if this is one text with braces or brackets in it, put it in quotes");
}

std::optional<SourceLocation> TreeBuilder::find_key(Level& level, const std::string& key) {
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

void TreeBuilder::check_last_quote() {
  if (!last_quoted_.known()) return;
  const std::string& text = source_.text();
  std::size_t at = content_offset(last_quoted_);
  if (at >= text.size()) return;
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

}  // namespace toehold
