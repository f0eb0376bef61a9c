// Where a run keeps what: the state folder (journal, lock), the scratch and the log folder.
// Called by run and events; makes folders, never decides what goes into them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"

namespace toehold {

/// TOEHOLD_HOME where that is an absolute path; `/var/lib/toehold` for root, else
/// `$XDG_STATE_HOME/toehold` or `~/.local/state/toehold`.
std::filesystem::path state_base();
/// The state folder of a command that names none: below state_base(), one for each set of documents
/// and phases, so that the same command finds its own interrupted run and no other.
std::filesystem::path default_state_directory(const std::vector<std::string>& documents,
                                              const std::string& phases);
/// `TOE_2026-03-01_12-00-00_UTC-0_<execution id>`
std::string log_directory_name(UnixMillis started, const std::string& execution_id);

struct StateFiles {
  explicit StateFiles(std::filesystem::path directory);
  std::filesystem::path directory;
  std::filesystem::path lock;
  std::filesystem::path journal;     // of the run that is under way or was interrupted
  std::filesystem::path previous;    // of the last run that failed, for --from
  std::filesystem::path cloudwatch;  // how far CloudWatch Logs has console.log
};

/// A private folder for scripts, gone at the end of the scope; also removes what an earlier process
/// with the same state folder left. Scripts come and go with every step, and on the journal's disk
/// each durable write would carry them along and take twice its time; so the folder lies in memory
/// where there is a place for that, else in the state folder. Hold the lock of the state folder.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::filesystem::path& state_directory);
  /// Those that runs with this state folder have left; none may be at work.
  static void remove_left(const std::filesystem::path& state_directory);
  const std::filesystem::path& path() const { return folder_->path(); }

 private:
  std::optional<TempDirectory> folder_;
};

}  // namespace toehold
