// VirtualMachine: one process of QEMU with its disk, which goes on when we end. It is found again,
// running or off, by its folder. Called by the instance of the target qemu; knows neither agent nor
// documents.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/process.hpp"
#include "runner/controller/machine_seed.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

inline constexpr const char* qemu_system = "qemu-system-x86_64";

/// In the environment of its process, with the folder: by it the process is found again, and even
/// one that another process of ours has only begun to start.
inline constexpr const char* machine_mark = "TOEHOLD_MACHINE";

class VirtualMachine {
 public:
  /// `folder`: private, of this machine alone. `console`: file that gets what it writes to its
  /// serial port, over all boots.
  VirtualMachine(std::filesystem::path folder, std::filesystem::path console,
                 ProcessRunner& processes);

  std::filesystem::path disk() const { return folder_ / "disk.qcow2"; }
  /// Starts it from its disk; the process stays when this object goes. Throws Error(process) with
  /// what QEMU said.
  void start(const QemuOptions& options, const std::string& accelerator, std::stop_token stop);
  bool is_running() const;
  /// Port of this machine's loopback behind which its sshd is; of the last start.
  int ssh_port() const;
  /// As pulling the plug does; returns when the process is gone.
  void cut_power();
  /// What it has printed; empty: nothing yet.
  std::string console() const;

 private:
  std::vector<std::string> words(const QemuOptions& options, const std::string& accelerator,
                                 int port) const;

  std::filesystem::path folder_;
  std::filesystem::path console_;
  ProcessRunner& processes_;
};

/// What every start has in common: the program, CPUs, memory, a qcow2 disk, and a network card of
/// the back end `net`, which the caller adds.
std::vector<std::string> machine_words(const QemuOptions& options, const std::string& accelerator,
                                       const std::filesystem::path& disk,
                                       const std::string& disk_option);
/// As a value within an option, where a comma is written twice.
std::string qemu_value(const std::filesystem::path& path);

/// Cuts the power of the machine of this folder, whoever started it.
void cut_power_of(const std::filesystem::path& folder);

struct KvmTrial {
  std::filesystem::path disk;     // what boots; stays as it is
  std::filesystem::path scratch;  // a folder for the while
  std::filesystem::path device = "/dev/kvm";
};
/// "kvm" or "tcg" for the option `accelerator`. /dev/kvm proves nothing: for "auto" a machine boots
/// with it, on trial, and is seen to send something on its network within 30 seconds. The answer
/// holds until this machine boots again. `note` says what takes long.
std::string choose_accelerator(const QemuOptions& options, const KvmTrial& trial,
                               ProcessRunner& processes, Clock& clock,
                               const std::function<void(const std::string&)>& note,
                               std::stop_token stop);

}  // namespace toehold
