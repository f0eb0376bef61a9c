// What turns one recipe text into several builds: `--set`, the combinations of `matrix`, and
// `{{ matrix.KEY }}` in texts. Called by the recipe reader; works on the tree that was read and
// leaves positions as they are.
#pragma once

#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

/// Throws Error(usage) for a setting that fits nothing.
void apply_settings(Value& root, const RecipeSettings& settings);

/// One for each combination, the first key changing slowest; one empty one without a matrix.
/// At most 256.
std::vector<Parameters> matrix_combinations(const Value& root, Diagnostics& diagnostics);

/// The tree with the values in its texts.
Value with_matrix_values(const Value& root, const Parameters& values, Diagnostics& diagnostics);

/// Those that are not there yet: the builds of a matrix have most mistakes in common.
void append_new(Diagnostics& all, const Diagnostics& some);

}  // namespace toehold
