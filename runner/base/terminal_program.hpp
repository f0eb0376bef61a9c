// A program that is given this terminal: a shell, an editor. Called by the transports and the
// targets' shells; for everything whose output we want there is ProcessRunner.
#pragma once

#include <string>
#include <vector>

namespace toehold {

/// argv[0] without a '/' is looked up in PATH. Returns its exit code, 128 + N when signal N ended
/// it. Throws Error(process) when it cannot be started. Signals are the program's while it runs;
/// afterwards the terminal is ours again and as it was, however the program left it.
int run_on_terminal(const std::vector<std::string>& argv);

}  // namespace toehold
