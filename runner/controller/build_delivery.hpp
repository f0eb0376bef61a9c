// The end of a build that has succeeded: its outputs are written, its manifest goes into the store,
// its image gets its name and goes where else it is wanted. Called by build_image.
#pragma once

#include <string>

#include "runner/controller/build_image.hpp"
#include "runner/controller/build_manifest.hpp"

namespace toehold {

/// Says in `end` what came of it; an image that is delivered stays whatever follows. Throws Error.
void deliver(BuiltImage image, const std::string& default_output, const BuildContext& context,
             BuildEnd& end);

}  // namespace toehold
