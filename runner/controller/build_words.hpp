// What `--set` and `--output` of a command line mean, and what of them a build remembers. Called by
// `build`, and by `resume`, which asks for the same again; reads no recipe.
#pragma once

#include <string>
#include <vector>

#include "runner/controller/recipe.hpp"

namespace toehold {

/// Of `KEY=VALUE`; throws Error(usage) for a text without a key.
RecipeSettings parse_settings(const std::vector<std::string>& typed);

/// The kinds that there are, sorted.
std::vector<std::string> output_kinds();
/// Of `KIND`, or `KIND=FILE`, whose path becomes absolute. Throws Error(usage) for an unknown kind.
OutputSpec parse_output(const std::string& text);
/// The text of it that means the same in any folder.
std::string output_words(const OutputSpec& output);

}  // namespace toehold
