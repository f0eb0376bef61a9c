// Brings the packages of a system up to date with the package manager that it has. Called by
// UpdateOS only. Never asks a question, never replaces a configuration file that was changed, and
// neither updates nor removes what is excluded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/engine/action.hpp"

namespace toehold {

/// Names of packages; "*" in them stands for anything.
struct PackageSelection {
  std::vector<std::string> include;  // empty: all that have updates
  std::vector<std::string> exclude;
};

/// Whether one of `patterns` names the package. A pattern without an architecture stands for all
/// of them: "libc6" for "libc6:amd64".
bool is_among(const std::string& package, const std::vector<std::string>& patterns);

class PackageUpdater {
 public:
  /// Both are kept by reference. `run_folder`: where the machine says that it has booted with
  /// systemd and that it needs a restart.
  PackageUpdater(const PackageSelection& selection, ActionContext& context, fs::path run_folder)
      : selection_(selection), context_(context), run_folder_(std::move(run_folder)) {}
  virtual ~PackageUpdater() = default;
  virtual Outcome update() = 0;

 protected:
  struct Ran {
    std::optional<Failed> failed;
    int code = -1;  // of the exit; -1 for none
    std::string out;
    std::string err;
  };
  enum class Show { all, errors };

  /// `accepted`: exit codes beyond 0 that are no failure. `show`: what the step prints of it.
  Ran execute(std::vector<std::string> argv, const std::vector<int>& accepted = {},
              Show show = Show::all);
  void note(const std::string& text) { context_.note("UpdateOS: " + text); }
  bool is_included(const std::string& package) const;
  bool is_excluded(const std::string& package) const;
  Outcome up_to_date();
  /// Something was updated. After a reboot the step runs again and finds nothing left to do.
  Outcome changed(bool restart_needed);

  const PackageSelection& selection_;
  ActionContext& context_;
  const fs::path run_folder_;
};

/// Debian, Ubuntu.
std::unique_ptr<PackageUpdater> make_apt_updater(const PackageSelection& selection,
                                                 ActionContext& context,
                                                 const fs::path& run_folder);
/// Amazon Linux, Fedora, RHEL and their kin; `program`: "dnf" or "yum".
std::unique_ptr<PackageUpdater> make_dnf_updater(const PackageSelection& selection,
                                                 ActionContext& context, const fs::path& run_folder,
                                                 const std::string& program);
/// SUSE.
std::unique_ptr<PackageUpdater> make_zypper_updater(const PackageSelection& selection,
                                                    ActionContext& context,
                                                    const fs::path& run_folder);

}  // namespace toehold
