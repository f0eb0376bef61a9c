// A disk that boots, made of a root file system: one partition with ext4, and GRUB before it, as a
// BIOS starts it. Called for the bases of virtual machines; needs no root, no loop device and no
// mount, and writes nothing into the root.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>

#include "runner/base/process.hpp"

namespace toehold {

/// Which packages make_bootable_disk needs and cannot find, as `apt-get install` takes them; empty:
/// none.
std::string missing_for_bootable_disk();

/// Writes `disk`, a qcow2 file of `gibibytes`. `root` holds a kernel; its owners are taken over as
/// they are seen. Throws Error(usage) for a root without a kernel, Error(process), Error(io).
void make_bootable_disk(const std::filesystem::path& root, const std::filesystem::path& disk,
                        std::int64_t gibibytes, ProcessRunner& processes, std::stop_token stop);

}  // namespace toehold
