// Condition: the comparison and logical operators of `if:` and of the Assert action, as a tree.
// Parsed and checked here; evaluated in engine/, because that looks at files and programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"

namespace toehold {

enum class Operator {
  string_is_empty,
  string_is_whitespace,
  string_equals,
  string_less_than,
  string_less_than_equals,
  string_greater_than,
  string_greater_than_equals,
  pattern_matches,
  number_equals,
  number_less_than,
  number_less_than_equals,
  number_greater_than,
  number_greater_than_equals,
  binary_exists,
  file_exists,
  folder_exists,
  file_md5_equals,
  file_sha1_equals,
  file_sha256_equals,
  file_sha512_equals,
  and_,
  or_,
  not_,
};

/// One row of the operator table: the key it is written with, the key of its second value, and the
/// sentence of the reference page.
struct OperatorInfo {
  Operator op;
  const char* key;
  const char* other_key;  // "value", "path" or nullptr
  const char* doc;
};
const std::vector<OperatorInfo>& operator_table();

struct Condition {
  Operator op = Operator::and_;
  Value operand;                 // of a comparison
  Value other;                   // `value` or `path`, where the operator has one
  std::vector<Condition> terms;  // of and, or, not
  SourceLocation where;
};

enum class Decision { abort, execute, skip };

/// A step's `if:`.
struct If {
  Condition condition;
  Decision then = Decision::execute;
  Decision otherwise = Decision::skip;
};

/// Both report to `diagnostics` and give nullopt when the shape is wrong. `owner` names the place
/// in messages: "'if' of step 'Fetch'", "action 'Assert'".
std::optional<Condition> parse_condition(const Value& value, const std::string& owner,
                                         Diagnostics& diagnostics);
std::optional<If> parse_if(const Value& value, const std::string& owner, Diagnostics& diagnostics);

/// Every scalar of the condition in which references may stand, for checks and substitution.
std::vector<const Value*> condition_scalars(const Condition& condition);

}  // namespace toehold
