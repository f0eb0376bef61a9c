// Disks for an ordinary user's machines. The machine itself needs no root; what a disk is made of
// has files of several users, so that alone is done by a process of ours in a user namespace.
// Called by the qemu provider and its instances.
#pragma once

#include "runner/controller/machine_base.hpp"

namespace toehold {

/// prepare_machine_base, whoever we are.
MachineBase prepare_base_for_user(const QemuOptions& options, ProcessRunner& processes,
                                  const TellProgress& note, std::stop_token stop);

/// Throws Error(unsupported) when we cannot have the owners of what the disk is to be made of.
void check_base_for_user(const QemuOptions& options);

}  // namespace toehold
