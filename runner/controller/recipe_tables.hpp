// The grammar of recipes as field tables. Called by the recipe reader, by the reference page and by
// the JSON Schema; holds no rule that a table can hold.
#pragma once

#include <vector>

#include "runner/base/fields.hpp"

namespace toehold {

std::vector<FieldInfo> recipe_fields();
std::vector<FieldInfo> component_fields();
/// Of parameters of a component, and of those for all components.
std::vector<FieldInfo> recipe_parameter_fields();
std::vector<FieldInfo> output_fields();

}  // namespace toehold
