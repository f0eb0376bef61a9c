// QemuSnapshot: the disk of a machine that was shut down, a layer over its base. Made by the qemu
// instance; test instances boot from a further layer over it.
#pragma once

#include <filesystem>

#include "runner/controller/provider.hpp"

namespace toehold {

class QemuSnapshot final : public Snapshot {
 public:
  /// `record`: of the disk. The references outlive it.
  QemuSnapshot(const Recipe& recipe, const BuildContext& context, std::int64_t record,
               std::filesystem::path disk, PackageList before, PackageList after);
  /// Removes the disk, unless it is kept.
  ~QemuSnapshot() override;

  const std::filesystem::path& disk() const { return disk_; }

  /// The whole disk, base and all, in a file of its own.
  WrittenOutput write(const OutputSpec& output, const std::filesystem::path& path,
                      std::stop_token stop) override;
  std::optional<PackageList> packages_before() const override { return before_; }
  std::optional<PackageList> packages_after() const override { return after_; }
  void keep() override { kept_ = true; }
  std::string parent_id() const override;

 private:
  const Recipe& recipe_;
  const BuildContext& context_;
  std::int64_t record_;
  std::filesystem::path disk_;
  PackageList before_, after_;
  bool kept_ = false;
};

/// A new qcow2 disk over `base`, which it never changes. `gibibytes`: 0: as large as the base.
/// Throws Error(process).
void make_overlay_disk(const std::filesystem::path& base, const std::string& format,
                       std::int64_t gibibytes, const std::filesystem::path& disk,
                       ProcessRunner& processes, std::stop_token stop);

}  // namespace toehold
