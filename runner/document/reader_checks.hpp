// The two checks that the document reader and the loop reader share: names of values and loops,
// and references where the language takes none. Called by them only; judges one scalar at a time.
#pragma once

#include <string>
#include <string_view>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"

namespace toehold {

/// One or more letters, digits, '_' and '-'.
bool is_plain_name(std::string_view text);

/// Reports the first reference in `value`, if there is one; true when it did. `place`:
/// "'timeoutSeconds' of step 'Fetch'".
bool report_misplaced_reference(const Value& value, const std::string& place,
                                Diagnostics& diagnostics);

}  // namespace toehold
