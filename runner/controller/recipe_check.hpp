// What the targets of recipes cannot do of them, with its place in the recipe: all that is known
// to be wrong before a component is read or anything is made; and the steps of a command line that
// are not there. Called by `validate`, `build` and `resume`; asks the providers, and looks at no
// more than the files that a recipe names.
#pragma once

#include <string>
#include <vector>

#include "runner/controller/recipe.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

/// Adds the findings to those of the recipes, each once, whichever build of a matrix has it.
void check_recipes(LoadedRecipes& loaded);

/// Throws Error(usage) for a name of --refresh that is no step: as `build.Install` or `Install`.
void check_refresh(const std::vector<std::string>& wanted,
                   const std::vector<DocumentRun>& documents);

}  // namespace toehold
