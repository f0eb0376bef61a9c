// The umask that the program was started with. We ourselves run with 077; what a document creates
// and what a step runs gets the caller's. Called by main, the file actions and the process runner.
#pragma once

namespace toehold {

/// Call once, before the umask is changed.
void remember_caller_umask();
/// What was remembered, or the usual 022.
unsigned caller_umask();

}  // namespace toehold
