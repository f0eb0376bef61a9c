// Value -> Loop: a step's `loop:` in any of its three forms, checked so that it ends.
// Called by the document reader only; resolves nothing.
#pragma once

#include <optional>
#include <string>

#include "runner/base/diagnostic.hpp"
#include "runner/document/document.hpp"

namespace toehold {

/// nullopt when the loop cannot be used, and `diagnostics` says why. `step_owner`: "step 'Fetch'".
std::optional<Loop> read_loop(const Value& value, const std::string& step_owner,
                              Diagnostics& diagnostics);

}  // namespace toehold
