#include "runner/document/condition.hpp"

#include <algorithm>
#include <span>

#include "runner/base/fields.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

const std::vector<OperatorInfo>& operator_table() {
  static const std::vector<OperatorInfo> table{
      {Operator::string_is_empty, "stringIsEmpty", nullptr, "The text has no characters."},
      {Operator::string_is_whitespace, "stringIsWhitespace", nullptr,
       "The text has blanks and nothing else; the empty text does not count."},
      {Operator::string_equals, "stringEquals", "value", "`value` equals the text."},
      {Operator::string_less_than, "stringLessThan", "value", "`value` sorts before the text."},
      {Operator::string_less_than_equals, "stringLessThanEquals", "value",
       "`value` sorts before the text or equals it."},
      {Operator::string_greater_than, "stringGreaterThan", "value",
       "`value` sorts after the text."},
      {Operator::string_greater_than_equals, "stringGreaterThanEquals", "value",
       "`value` sorts after the text or equals it."},
      {Operator::pattern_matches, "patternMatches", "value",
       "The RE2 regular expression matches somewhere in `value`."},
      {Operator::number_equals, "numberEquals", "value", "`value` equals the number."},
      {Operator::number_less_than, "numberLessThan", "value", "`value` is below the number."},
      {Operator::number_less_than_equals, "numberLessThanEquals", "value",
       "`value` is below the number or equals it."},
      {Operator::number_greater_than, "numberGreaterThan", "value", "`value` is above the number."},
      {Operator::number_greater_than_equals, "numberGreaterThanEquals", "value",
       "`value` is above the number or equals it."},
      {Operator::binary_exists, "binaryExists", nullptr,
       "bash knows a command of this name: a program, a builtin or a function."},
      {Operator::file_exists, "fileExists", nullptr,
       "Something that is no folder stands at the path."},
      {Operator::folder_exists, "folderExists", nullptr, "A folder stands at the path."},
      {Operator::file_md5_equals, "fileMD5Equals", "path",
       "The file at `path` has this MD5 checksum."},
      {Operator::file_sha1_equals, "fileSHA1Equals", "path",
       "The file at `path` has this SHA-1 checksum."},
      {Operator::file_sha256_equals, "fileSHA256Equals", "path",
       "The file at `path` has this SHA-256 checksum."},
      {Operator::file_sha512_equals, "fileSHA512Equals", "path",
       "The file at `path` has this SHA-512 checksum."},
      {Operator::and_, "and", nullptr,
       "All operators of the list hold; the first that does not "
       "ends the evaluation."},
      {Operator::or_, "or", nullptr,
       "One operator of the list holds; the first that does ends the evaluation."},
      {Operator::not_, "not", nullptr, "The one operator below it does not hold."},
  };
  return table;
}

namespace {

/// Also the spelling of the published examples, `stringlessThan`.
const OperatorInfo* find_operator(std::string_view key) {
  for (const OperatorInfo& info : operator_table()) {
    if (key == info.key) return &info;
  }
  if (key.starts_with("stringless")) return find_operator("stringL" + std::string(key.substr(7)));
  return nullptr;
}

std::vector<std::string> operator_names() {
  std::vector<std::string> names;
  for (const OperatorInfo& info : operator_table()) names.emplace_back(info.key);
  return names;
}

bool is_logical(Operator op) {
  return op == Operator::and_ || op == Operator::or_ || op == Operator::not_;
}

class ConditionParser {
 public:
  ConditionParser(const std::string& owner, Diagnostics& diagnostics)
      : owner_(owner), diagnostics_(diagnostics) {}

  /// `other_keys`: what may stand beside the operator and is read elsewhere.
  std::optional<Condition> parse(const Value& written, std::span<const std::string> other_keys) {
    const Value& value =
        written.is_list() && written.list().size() == 1 ? written.list().front() : written;
    if (!value.is_map() || value.map().empty()) {
      wrong(written.where, owner_ + " needs one operator, not " + described(written), example());
      return std::nullopt;
    }
    const Value::Member* chosen = nullptr;
    const OperatorInfo* info = nullptr;
    bool good = choose(value, chosen, info);
    for (const Value::Member& member : value.map()) {
      if (&member == chosen || find_operator(member.key)) continue;
      good = check_sibling(member, info, other_keys) && good;
    }
    if (!info) {
      if (good) wrong(value.where, owner_ + " has no operator", example());
      return std::nullopt;
    }
    Condition condition;
    condition.op = info->op;
    condition.where = chosen->where;
    const bool complete = is_logical(info->op) ? terms(*info, *chosen, condition)
                                               : operands(*info, *chosen, value, condition);
    if (!good || !complete) return std::nullopt;
    return condition;
  }

 private:
  void wrong(SourceLocation where, std::string message, std::string hint) {
    diagnostics_.error(codes::condition_shape, where, std::move(message), std::move(hint));
  }

  static std::string described(const Value& value) {
    if (value.is_list()) return "a list of " + std::to_string(value.list().size());
    return value.is_map() ? "an empty map" : kind_name(value);
  }

  static std::string example() {
    return "write one operator with its values, such as\n"
           "  stringEquals: 'yes'\n"
           "  value: '{{ Enabled }}'";
  }

  bool choose(const Value& value, const Value::Member*& chosen, const OperatorInfo*& info) {
    for (const Value::Member& member : value.map()) {
      const OperatorInfo* found = find_operator(member.key);
      if (!found) continue;
      if (info) {
        wrong(member.where,
              owner_ + " has two operators in one map, '" + std::string(chosen->key) + "' and '" +
                  member.key + "'",
              "put them below 'and:' or 'or:', each with '- ' before it");
        return false;
      }
      chosen = &member;
      info = found;
    }
    return true;
  }

  bool check_sibling(const Value::Member& member, const OperatorInfo* info,
                     std::span<const std::string> other_keys) {
    if (std::find(other_keys.begin(), other_keys.end(), member.key) != other_keys.end()) {
      return true;
    }
    const bool is_value = member.key == "value" || member.key == "path";
    if (is_value && (!info || (info->other_key && member.key == info->other_key))) return true;
    if (is_value) {
      wrong(member.where,
            "'" + std::string(info->key) + "' of " + owner_ + " takes no '" + member.key + "'",
            info->other_key ? "write '" + std::string(info->other_key) + ":' instead"
                            : "remove the line; the operator has one value, its own");
      return false;
    }
    if (member.key == "then" || member.key == "else") {
      wrong(member.where, "'" + member.key + "' belongs to a whole 'if', not inside of " + owner_,
            "move it beside the outermost operator of an 'if:'");
      return false;
    }
    std::vector<std::string> names = operator_names();
    if (info && info->other_key) names.emplace_back(info->other_key);
    names.insert(names.end(), other_keys.begin(), other_keys.end());
    std::string hint = did_you_mean(member.key, names);
    if (hint.empty()) hint = "the operators are " + join(operator_names(), ", ");
    wrong(member.where,
          owner_ + " does not know the " + (info ? "key '" : "operator '") + member.key + "'",
          std::move(hint));
    return false;
  }

  bool operands(const OperatorInfo& info, const Value::Member& chosen, const Value& map,
                Condition& condition) {
    condition.operand = chosen.value;
    bool good = scalar(info.key, chosen.value, chosen.where);
    if (!info.other_key) return good;
    const auto other =
        std::find_if(map.map().begin(), map.map().end(),
                     [&](const Value::Member& member) { return member.key == info.other_key; });
    if (other == map.map().end()) {
      if (map.find("value") || map.find("path")) return false;  // the other one: reported as such
      wrong(chosen.where,
            "'" + std::string(info.key) + "' of " + owner_ + " needs '" + info.other_key +
                "' beside it",
            "add '" + std::string(info.other_key) + ":' at the indentation of '" + info.key + ":'");
      return false;
    }
    condition.other = other->value;
    return scalar(info.other_key, other->value, other->where) && good;
  }

  bool scalar(const std::string& key, const Value& value, SourceLocation key_where) {
    if (value.is_scalar() && !value.is_null()) return true;
    wrong(value.where.known() ? value.where : key_where,
          "'" + key + "' of " + owner_ + " takes one text or number, not " + kind_name(value),
          value.is_null()  ? "write '' for the empty text"
          : value.is_map() ? "put a text that begins with '{' in quotes"
                           : "");
    return false;
  }

  bool terms(const OperatorInfo& info, const Value::Member& chosen, Condition& condition) {
    const SourceLocation where = chosen.value.where.known() ? chosen.value.where : chosen.where;
    if (info.op == Operator::not_) {
      const bool one =
          chosen.value.is_map() || (chosen.value.is_list() && chosen.value.list().size() == 1);
      if (!one) {
        wrong(where, "'not' of " + owner_ + " takes one operator, not " + described(chosen.value),
              "for several, put 'and:' or 'or:' below 'not:'");
        return false;
      }
      return term(chosen.value, condition);
    }
    if (!chosen.value.is_list() || chosen.value.list().empty()) {
      wrong(where,
            "'" + std::string(info.key) + "' of " + owner_ + " takes a list of operators, not " +
                (chosen.value.is_list() ? "an empty list" : kind_name(chosen.value)),
            "put '- ' before each operator");
      return false;
    }
    bool good = true;
    for (const Value& item : chosen.value.list()) good = term(item, condition) && good;
    return good;
  }

  bool term(const Value& value, Condition& condition) {
    auto parsed = parse(value, {});
    if (!parsed) return false;
    condition.terms.push_back(std::move(*parsed));
    return true;
  }

  const std::string& owner_;
  Diagnostics& diagnostics_;
};

constexpr std::pair<const char*, Decision> decisions[] = {
    {"Abort", Decision::abort}, {"Execute", Decision::execute}, {"Skip", Decision::skip}};

bool parse_decision(const Value& map, const char* key, const std::string& owner,
                    Diagnostics& diagnostics, Decision& decision) {
  const Value* value = map.find(key);
  if (!value) return true;
  std::vector<std::string> names;
  for (const auto& [name, known] : decisions) {
    if (value->is_scalar() && value->text() == name) {
      decision = known;
      return true;
    }
    names.emplace_back(name);
  }
  const std::string found =
      value->is_scalar() && !value->is_null() ? "'" + value->text() + "'" : kind_name(*value);
  const std::string hint = value->is_scalar() ? did_you_mean(value->text(), names) : "";
  diagnostics.error(codes::invalid_value, value->where.known() ? value->where : map.where,
                    "'" + std::string(key) + "' of " + owner + " cannot be " + found,
                    hint.empty() ? "write one of: " + join(names, ", ") : hint);
  return false;
}

void collect(const Condition& condition, std::vector<const Value*>& scalars) {
  if (is_logical(condition.op)) {
    for (const Condition& term : condition.terms) collect(term, scalars);
    return;
  }
  scalars.push_back(&condition.operand);
  if (!condition.other.is_null()) scalars.push_back(&condition.other);
}

}  // namespace

std::optional<Condition> parse_condition(const Value& value, const std::string& owner,
                                         Diagnostics& diagnostics) {
  return ConditionParser(owner, diagnostics).parse(value, {});
}

std::optional<If> parse_if(const Value& value, const std::string& owner, Diagnostics& diagnostics) {
  const std::vector<std::string> own_keys{"then", "else"};
  auto condition = ConditionParser(owner, diagnostics).parse(value, own_keys);
  const Value& map = value.is_list() && value.list().size() == 1 ? value.list().front() : value;
  If result;
  bool good = parse_decision(map, "then", owner, diagnostics, result.then);
  good = parse_decision(map, "else", owner, diagnostics, result.otherwise) && good;
  if (!condition || !good) return std::nullopt;
  result.condition = std::move(*condition);
  return result;
}

std::vector<const Value*> condition_scalars(const Condition& condition) {
  std::vector<const Value*> scalars;
  collect(condition, scalars);
  return scalars;
}

}  // namespace toehold
