// What a build would do, without doing it: which steps the cache has, which would be run, and why.
// Called by `build --explain`; leaves nothing behind.
#pragma once

#include "runner/controller/build_image.hpp"

namespace toehold {

/// Prints a line a step on stdout. `folder` is for scratch; the caller removes it.
ExitCode explain_build(const Recipe& recipe, const BuildOptions& options, BuildFolder& folder,
                       const CommandContext& command);

}  // namespace toehold
