// Value <-> JSON text. Reading keeps the spelling of numbers; writing keeps the order of members.
// Called for result files, events and `--config`; the only file that includes Boost.JSON.
#pragma once

#include <string>
#include <string_view>

#include "runner/base/value.hpp"

namespace toehold {

/// Throws Error(document) with line and column when `text` is not one JSON value. At most 64 deep.
Value parse_json(std::string_view text);

/// One line for `indent` 0, else `indent` blanks per level. Malformed UTF-8 in strings becomes
/// U+FFFD, so that the result is always valid JSON.
std::string to_json(const Value& value, int indent = 0);
/// Appends the quoted, escaped form of `text`.
void append_json_string(std::string& out, std::string_view text);

}  // namespace toehold
