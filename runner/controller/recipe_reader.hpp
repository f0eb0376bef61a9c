// Value -> Recipe for one build: the shape and the meaning of a recipe, with every mistake at once.
// Called by read_recipe; looks at no file.
#pragma once

#include <filesystem>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

/// The best Recipe that can be made of `root`; usable only if `diagnostics` has no errors.
Recipe read_recipe_tree(const Value& root, const std::filesystem::path& folder,
                        Diagnostics& diagnostics);

}  // namespace toehold
