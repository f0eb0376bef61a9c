// What a virtual machine learns from us on its first boot: whom to let in, and which host key to
// have, so that we know it beforehand. Told in two ways, and every system takes the one it knows: a
// NoCloud seed for cloud-init, and credentials in the SMBIOS tables for systemd 252 and later.
// Called by VirtualMachine's makers; the disk is not touched.
// Sources: cloud-init's documentation of the data source NoCloud; systemd.system-credentials(7),
// tmpfiles.d(5).
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "runner/base/process.hpp"

namespace toehold {

struct MachineSeed {
  explicit MachineSeed(const std::filesystem::path& folder)
      : identity(folder / "identity"),
        host_key(folder / "host_key"),
        known_hosts(folder / "known_hosts"),
        cloud_init(folder / "seed.iso"),
        smbios(folder / "smbios") {}
  std::filesystem::path identity;     // the key that we log in with; beside it `.pub`
  std::filesystem::path host_key;     // the machine's
  std::filesystem::path known_hosts;  // which says so; written by trust_host_key
  std::filesystem::path cloud_init;   // ISO 9660, labelled CIDATA
  std::filesystem::path smbios;       // for `-smbios type=11,path=`
};

/// Makes new keys and the seed of them in the private folder. Throws Error(process), Error(io).
MachineSeed make_machine_seed(const std::filesystem::path& folder, const std::string& instance_id,
                              ProcessRunner& processes, std::stop_token stop);

/// A new ed25519 key in `path`, its public half beside it as `.pub`. Throws Error(process).
void make_ssh_key(const std::filesystem::path& path, ProcessRunner& processes,
                  std::stop_token stop);

/// Notes the host key for this port of the loopback.
void trust_host_key(const MachineSeed& seed, int port);

}  // namespace toehold
