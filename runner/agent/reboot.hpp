// The machine's reboot, when the run owns it (--reboot self): a start-up unit that gives the same
// command again, then the reboot. Called by run; with --reboot exit nothing here is used.
#pragma once

#include <string>
#include <vector>

#include "runner/base/process.hpp"

namespace toehold {

/// The unit's text: `argv` quoted for systemd, `directory` as its working directory, and those of
/// our environment variables that a document may read.
std::string resume_unit(const std::vector<std::string>& argv, const std::string& directory,
                        const std::vector<std::pair<std::string, std::string>>& environment);

/// Installs and enables the unit. Throws Error(unsupported) without systemd, Error(process) when
/// systemctl fails.
void arm_resume(const std::vector<std::string>& argv, ProcessRunner& processes);
/// Removes the unit if it is there; called when a run begins or goes on.
void disarm_resume(ProcessRunner& processes);
/// Asks for the reboot and returns; throws Error(process).
void reboot_machine(ProcessRunner& processes);

}  // namespace toehold
