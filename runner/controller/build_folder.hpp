// BuildFolder: where one build keeps what it needs while it lives: lock, inventory, journals, logs,
// and a record of what it is. Called by the build commands, shell, resume and cleanup.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"
#include "runner/controller/inventory.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/controller/state_file.hpp"

namespace toehold {

/// What `build` was asked, so that `resume` can ask it again.
struct BuildRecord {
  std::string id;
  std::string recipe;                 // absolute path
  std::vector<std::string> settings;  // KEY=value of --set and of the matrix
  std::vector<std::string> outputs;   // KIND or KIND=FILE of --output
  bool without_tests = false;         // --no-test
  std::string target;
  /// running, stopped (refused, or by an error), kept, delivered (all is done but the removal
  /// of what is not kept), succeeded, failed
  std::string state = "running";
  std::string failed_step;
  std::string message;
  std::string delivered;  // "image    c6431984c081  site:1.0.0  ami-..."
  UnixMillis started = 0;
  std::string copy;  // "s3://BUCKET/PREFIX/BUILD-ID" of its copy there; empty: it has none
};

/// Whether `resume` has something to go on with.
bool is_unfinished(const BuildRecord& record);

class StateCopy;
class AwsReach;

class BuildFolder {
 public:
  /// Makes a new one for `name`, below state_base()/builds, and locks it.
  static BuildFolder create(const std::string& name, UnixMillis now);
  /// Opens and locks that of `id`; an id may be cut short while it is the only one. Throws
  /// Error(usage) for one that is not there, Error(busy) for one that is at work.
  static BuildFolder open(const std::string& id);
  /// That of `id`, made if it is not there, and locked; its record may be empty: see refill().
  static BuildFolder adopt(const std::string& id);
  ~BuildFolder();
  BuildFolder(BuildFolder&&) noexcept;

  const std::filesystem::path& path() const { return path_; }
  const BuildRecord& record() const { return record_; }
  BuildRecord& record() { return record_; }
  Inventory& inventory() { return *inventory_; }
  /// Writes the record.
  void save();
  /// Whether it has a record.
  bool is_whole() const { return !record_.id.empty(); }
  /// Takes these files instead of its own, with the record and the inventory that are among them.
  void refill(const FolderFiles& files);
  /// Who this folder is in a copy of the state; made when first asked.
  std::string own_id();

  /// From now on each plan is in the copy before it is acted on, and what there is in the end is,
  /// too. `reach` is what the copy works with.
  void attach(std::unique_ptr<AwsReach> reach, std::unique_ptr<StateCopy> copy,
              std::stop_token stop);
  StateCopy* copy() { return copy_.get(); }
  /// Ends the copy: removes it when nothing is left of the build, else lets another go on. Throws
  /// Error; the destructor does it as well, and only warns.
  void end_copy();

 private:
  explicit BuildFolder(std::filesystem::path path);

  std::filesystem::path path_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Inventory> inventory_;
  BuildRecord record_;
  std::unique_ptr<AwsReach> reach_;
  std::unique_ptr<StateCopy> copy_;
};

/// Of all build folders, the newest first; what cannot be read is left out.
std::vector<BuildRecord> list_builds();
/// The folders that have none.
std::vector<std::filesystem::path> unrecorded_builds();
std::filesystem::path builds_folder();

}  // namespace toehold
