// QemuInstance: one virtual machine of a build, from its disk to its agent, on or off. Made by the
// qemu provider only; what it leaves is a QemuSnapshot.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "runner/controller/provider.hpp"
#include "runner/controller/qemu_snapshot.hpp"
#include "runner/controller/remote_machine.hpp"
#include "runner/controller/transports/ssh.hpp"
#include "runner/controller/virtual_machine.hpp"

namespace toehold {

inline constexpr const char* qemu_target = "qemu";

class QemuInstance final : public Instance {
 public:
  /// That of an earlier process of this build, which is started again when it is off, else a new
  /// one of the recipe's base or of a snapshot. Throws Error, and then leaves no new one. The
  /// references outlive it.
  QemuInstance(const Recipe& recipe, const QemuSnapshot* from, bool for_test,
               const BuildContext& context);
  ~QemuInstance() override;

  /// A machine that went off, or is out of reach, is kept.
  StageEnd run(const Stage& stage) override;
  std::string failed_step() const override { return guest_->stages().failed_step(); }
  std::vector<ManifestStep> steps() const override { return guest_->stages().steps(); }
  void choose(const std::string& step, StepChoice choice) override {
    guest_->stages().choose(step, choice);
  }
  int shell(const std::vector<std::string>& command) override { return guest_->shell(command); }
  /// Cleans the guest up and shuts it down, once.
  std::unique_ptr<Snapshot> snapshot() override;
  void keep() override { kept_ = true; }

 private:
  void create(const QemuSnapshot* from);
  void boot();
  bool lets_us_in();
  void wait_until_reachable();
  void make_guest();
  void must_be_on() const;
  void clean_up();
  void shut_down();
  std::unique_ptr<Snapshot> snapshot_of(std::int64_t record) const;
  std::filesystem::path snapshot_disk() const { return context_.directory / "snapshot.qcow2"; }
  std::filesystem::path cleaning_note() const { return context_.directory / "cleaning"; }
  std::filesystem::path packages_file() const { return context_.directory / "packages-after.json"; }

  const Recipe& recipe_;
  const BuildContext& context_;
  const QemuOptions options_;
  const bool for_test_;
  const std::filesystem::path folder_;
  VirtualMachine machine_;
  std::unique_ptr<SshTransport> transport_;
  std::unique_ptr<RemoteMachine> guest_;
  std::int64_t record_ = 0;
  std::optional<std::int64_t> disk_record_;  // of the snapshot, once there is one
  bool kept_ = false;
};

/// Removes the machine, disk or file that an inventory record of this target names.
bool remove_qemu_record(const InventoryRecord& record);

}  // namespace toehold
