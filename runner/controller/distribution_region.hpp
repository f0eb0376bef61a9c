// One region of a distribution: the copies that belong there, and what each of them gets once it is
// available: tags, launch permissions, dates, launch templates, parameters. Called in a thread of
// its own; only what is missing is done.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/aws/session.hpp"
#include "runner/controller/distribution.hpp"
#include "runner/controller/distribution_copy.hpp"

namespace toehold {

/// Of an account, and of ours for a target without a role.
using SessionOf = std::function<aws::Session&(const DistributionTarget& target)>;

/// Of each target what became of it, in their order. All copies are begun before one is waited for;
/// what fails keeps none of the others. Never throws Error.
std::vector<DistributionResult> distribute_in_region(const SourceImage& image,
                                                     const std::vector<DistributionTarget>& targets,
                                                     const SessionOf& session_of,
                                                     const CopyTools& tools);

}  // namespace toehold
