// The end of a build, however it comes: what its record says from then on, what a person is told,
// and whether anything of its folder stays. Called by `build`, `resume` and build_image; removes
// nothing that the inventory has.
#pragma once

#include <string>

#include "runner/agent/program.hpp"
#include "runner/controller/build_folder.hpp"

namespace toehold {

struct BuildEnd {
  ExitCode code = ExitCode::failure;
  std::string message;      // why it failed
  std::string failed_step;  // "build.Install"
  std::string image;        // its id in the image store
  std::string delivered;    // the line that told of it: id, name and version, name where it is
  bool kept = false;        // the instance on which it failed
  bool tried = false;       // else it was refused or broke off: `resume` may have better luck
};

/// Writes into the record how the build ended, unless another machine has taken it over.
void record_end(BuildFolder& folder, const BuildEnd& end);

/// The same, and tells it; returns the exit code.
ExitCode finish_build(BuildFolder& folder, const BuildEnd& end, double seconds,
                      const CommandContext& command);

/// Ends the copy of the folder when it goes; and a build that was refused before it made anything
/// leaves nothing to list, resume or clean up.
struct FolderEnd {
  BuildFolder& folder;
  const CommandContext& command;
  ~FolderEnd();
};

}  // namespace toehold
