// The machine's reboot, when the run owns it (--reboot self): a start-up unit that gives the same
// command again, then the reboot. Called by run; with --reboot exit nothing here is used.
#pragma once

#include <string>
#include <vector>

#include "runner/base/process.hpp"

namespace toehold {

/// Installs and enables the unit, and keeps our environment for it in a private file. Throws
/// Error(unsupported) without systemd, Error(process) when systemctl fails.
void arm_resume(const std::vector<std::string>& argv, ProcessRunner& processes);
/// Removes the unit if it is there; called when a run begins or goes on.
void disarm_resume(ProcessRunner& processes);
/// Asks for the reboot and returns; throws Error(process).
void reboot_machine(ProcessRunner& processes);

}  // namespace toehold
