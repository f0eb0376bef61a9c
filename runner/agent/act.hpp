// `act`: runs one action, or answers one question about the machine, for a controller that asks on
// standard input; inside of a sandbox if it says so. Not for people, so not in the help. Called by
// run_program before anything is set up, as a sandbox is entered with one thread only.
#pragma once

namespace toehold {

/// Reads an ActionRequest from `file`, or from stdin for nullptr; writes frames to stdout. The exit
/// code of the process.
int run_act(const char* file);

}  // namespace toehold
