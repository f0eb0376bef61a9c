// What the targets of recipes cannot do of them, with its place in the recipe: all that is known
// to be wrong before a component is read or anything is made. Called by `validate`, `build` and
// `resume`; asks the providers, and looks at no more than the files that a recipe names.
#pragma once

#include "runner/controller/recipe.hpp"

namespace toehold {

/// Adds the findings to those of the recipes, each once, whichever build of a matrix has it.
void check_recipes(LoadedRecipes& loaded);

}  // namespace toehold
