#include "runner/document/reader_checks.hpp"

#include <algorithm>

#include "runner/document/codes.hpp"
#include "runner/document/template.hpp"

namespace toehold {

bool is_plain_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

bool report_misplaced_reference(const Value& value, const std::string& place,
                                Diagnostics& diagnostics) {
  if (!is_deferred(value)) return false;
  for (const auto& part : parse_template(value.text()).parts) {
    const auto* reference = std::get_if<Reference>(&part);
    if (!reference) continue;
    const SourceLocation where =
        diagnostics.source() ? locate(*reference, value, *diagnostics.source()) : value.where;
    diagnostics.error(codes::misplaced_reference, where,
                      place + " takes no reference, and " + reference->raw + " is one",
                      "write the value itself; references stand in inputs, in the values of a "
                      "loop and in conditions");
    return true;
  }
  return false;
}

}  // namespace toehold
