// The pages of docs/reference about recipes, made from their tables: recipe.md and
// recipe.schema.json. Called by `describe`; a test compares them with what is checked in.
#pragma once

#include <vector>

#include "runner/agent/program.hpp"

namespace toehold {

std::vector<ReferencePage> recipe_pages();

}  // namespace toehold
