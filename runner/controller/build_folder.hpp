// BuildFolder: where one build keeps what it needs while it lives: lock, inventory, journals, logs,
// and a record of what it is. Called by the build commands, shell, resume and cleanup.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"
#include "runner/controller/inventory.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

/// What `build` was asked, so that `resume` can ask it again.
struct BuildRecord {
  std::string id;
  std::string recipe;                 // absolute path
  std::vector<std::string> settings;  // KEY=value of --set and of the matrix
  std::string target;
  std::string state = "running";  // running, kept, succeeded, failed
  std::string failed_step;
  std::string message;
  UnixMillis started = 0;
};

class BuildFolder {
 public:
  /// Makes a new one for `name`, below state_base()/builds, and locks it.
  static BuildFolder create(const std::string& name, UnixMillis now);
  /// Opens and locks that of `id`; an id may be cut short while it is the only one. Throws
  /// Error(usage) for one that is not there, Error(busy) for one that is at work.
  static BuildFolder open(const std::string& id);

  const std::filesystem::path& path() const { return path_; }
  const BuildRecord& record() const { return record_; }
  BuildRecord& record() { return record_; }
  Inventory& inventory() { return *inventory_; }
  /// Writes the record.
  void save();

 private:
  explicit BuildFolder(std::filesystem::path path);

  std::filesystem::path path_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Inventory> inventory_;
  BuildRecord record_;
};

/// Of all build folders, the newest first; what cannot be read is left out.
std::vector<BuildRecord> list_builds();
/// The folders that have none.
std::vector<std::filesystem::path> unrecorded_builds();
std::filesystem::path builds_folder();

}  // namespace toehold
