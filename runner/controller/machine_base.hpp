// What a virtual machine boots from: a disk image as it is, or a disk made of a root file system (a
// Debian of mmdebstrap, a folder, a tarball), once, and kept beside the cache. Called by the qemu
// provider; changes no image.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "runner/base/process.hpp"
#include "runner/controller/base_cache.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

struct MachineBase {
  std::filesystem::path disk;
  std::string format;  // "qcow2", "raw"
};

/// "qcow2" or "raw" for a disk image, empty for anything else. A name that ends in .raw or .img is
/// raw whatever is in it: what a guest has written must not turn it into something that names other
/// files. Throws Error(io).
std::string disk_format(const std::filesystem::path& file);

/// The same of a base; empty for one that a disk has to be made of.
std::string format_of_base(const std::string& base);

/// Throws Error(usage) for what is neither a disk nor a root file system, Error(unsupported) that
/// names the packages that are missing, Error(io), Error(process).
MachineBase prepare_machine_base(const QemuOptions& options, ProcessRunner& processes,
                                 const TellProgress& note, std::stop_token stop);

/// Why a machine cannot start from `base`: it is not there, or not what its name says; empty when
/// it can.
std::string why_no_machine_base(const std::string& base);

/// Throws Error(unsupported) for what is missing on this machine to prepare it; makes nothing.
void check_machine_base(const QemuOptions& options);

}  // namespace toehold
