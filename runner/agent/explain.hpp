// `run --explain`: the plan as text, with every value that is known before anything runs.
// Called by run; touches nothing.
#pragma once

#include <string>

#include "runner/base/platform.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

std::string explain_plan(const Plan& plan, const Platform& platform, const Clock& clock,
                         const std::string& execution_id);

}  // namespace toehold
