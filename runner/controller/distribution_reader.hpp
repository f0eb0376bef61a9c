// `distributions` of a recipe: its rules beyond the shape, with every mistake at once. Called by
// the recipe reader; asks AWS nothing.
#pragma once

#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"
#include "runner/controller/distribution_spec.hpp"

namespace toehold {

struct Recipe;

/// Of `list`, the value of `distributions`. Usable only if `diagnostics` has no errors. `recipe`:
/// name and version, which names of images may be made of.
std::vector<Distribution> read_distributions(const Value& list, const Recipe& recipe,
                                             Diagnostics& diagnostics);

/// The tags at `key` of `owner`, checked by EC2's rules for tags: of the recipe as well.
Parameters read_tags(const Value& owner, const char* key, Diagnostics& diagnostics);

}  // namespace toehold
