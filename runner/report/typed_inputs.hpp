// The inputs of a step as awstoe records them: its actions read them into typed records, so every
// field of the action is there. Called by DetailedOutput; changes nothing that the action was
// given.
#pragma once

#include "runner/base/value.hpp"
#include "runner/document/action_info.hpp"

namespace toehold {

/// `items` with all fields of the action, in the order of its table: a field that was not written
/// has its default, or the zero value of its type ("", false, 0, null). Texts become what their
/// field takes. A condition is no record and stays as it is.
Value typed_inputs(const Value& items, const ActionInfo& action);

}  // namespace toehold
