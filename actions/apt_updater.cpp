#include <algorithm>

#include "actions/package_updater.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::chrono::seconds lock_poll(5);
constexpr std::chrono::seconds longest_lock_wait(600);

using Names = std::vector<std::string>;

struct PlannedPackage {
  std::string name;  // as apt-get says and takes it
  std::string full;  // with its architecture where that is known
};

/// The packages of the lines "Inst NAME [OLD] (NEW SOURCE [ARCHITECTURE])" or "Remv NAME [OLD]".
std::vector<PlannedPackage> planned(const std::string& word, const std::string& plan) {
  std::vector<PlannedPackage> packages;
  for (const std::string& line : split(plan, '\n')) {
    if (!line.starts_with(word + " ")) continue;
    const std::size_t begin = word.size() + 1;
    PlannedPackage package{line.substr(begin, line.find(' ', begin) - begin), {}};
    package.full = package.name;
    const std::size_t architecture = line.find_last_of("([");
    if (const std::size_t end = line.find("])", architecture);
        end != std::string::npos && package.name.find(':') == std::string::npos) {
      package.full += ":" + line.substr(architecture + 1, end - architecture - 1);
    }
    packages.push_back(std::move(package));
  }
  return packages;
}

/// What is not to be updated is pinned in a preferences file of this call: a hold would stay when
/// we are killed, "NAME-" would remove the package, and packages that are named to be installed
/// would count as wanted for their own sake ever after.
class PinFile {
 public:
  PinFile(const fs::path& parent, const Names& pins) : folder_(parent, "update-") {
    std::string text;
    for (const std::string& name : pins) {
      text += "Package: " + name + "\nPin: version *\nPin-Priority: -1\n\n";
    }
    // The machine's own come after ours: the first one counts.
    constexpr const char* own = "/etc/apt/preferences";
    if (fs::exists(own)) text += read_file(own);
    write_file_atomically(path(), text);
  }
  std::string option() const { return "Dir::Etc::Preferences=" + path().string(); }

 private:
  fs::path path() const { return folder_.path() / "preferences"; }
  TempDirectory folder_;
};

class AptUpdater final : public PackageUpdater {
 public:
  using PackageUpdater::PackageUpdater;

  Outcome update() override {
    // Without the mode a repository that cannot be read is a warning, and old lists are used.
    const Ran lists = execute_patiently(
        {"apt-get", "-o", "Acquire::Retries=3", "-o", "APT::Update::Error-Mode=any", "update"});
    if (lists.failed) return *lists.failed;
    Outcome outcome = upgrade();
    if (!interrupted_) return outcome;
    note("an earlier update was interrupted; repairing");
    const Ran repaired = execute_patiently(
        {"dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"});
    if (repaired.failed) return *repaired.failed;
    return upgrade();
  }

 private:
  /// Waits for the locks of apt and dpkg; apt-get itself waits for some only, and not everywhere.
  Ran execute_patiently(const Names& argv) {
    for (auto waited = std::chrono::milliseconds(0);; waited += lock_poll) {
      Ran ran = execute(argv);
      const bool locked =
          ran.failed && (ran.err.find("Could not get lock") != std::string::npos ||
                         ran.err.find("locked by another process") != std::string::npos);
      if (!locked || waited >= longest_lock_wait) return ran;
      note("another program has the lock; waiting");
      if (!context_.clock.sleep_for(lock_poll, context_.stop)) {
        ran.failed->cancelled = true;
        return ran;
      }
    }
  }

  Outcome upgrade() {
    Names pins;
    for (const std::string& name : selection_.exclude) {
      pins.push_back(name.find(':') == std::string::npos ? name + ":any" : name);
    }
    Names how{"dist-upgrade"};
    Ran plan = simulate(how, pins);
    if (!plan.failed && !selection_.include.empty()) plan = narrow(plan, pins);
    if (!plan.failed && removes_excluded(plan)) {
      note("what would replace an excluded package is kept back");
      how = {"--with-new-pkgs", "upgrade"};  // never removes
      plan = simulate(how, pins);
    }
    if (plan.failed) return *plan.failed;
    if (planned("Inst", plan.out).empty() && planned("Conf", plan.out).empty()) {
      // What was repaired may be what needs the restart.
      return interrupted_ ? changed(restart_needed()) : up_to_date();
    }
    const PinFile file(context_.temp_root, pins);
    Names argv{"apt-get", "-y",
               "-o",      file.option(),
               "-o",      "Acquire::Retries=3",
               "-o",      "Dpkg::Options::=--force-confdef",
               "-o",      "Dpkg::Options::=--force-confold"};
    argv.insert(argv.end(), how.begin(), how.end());
    const Ran ran = execute_patiently(argv);
    interrupted_ =
        !interrupted_ && ran.failed && ran.err.find("dpkg --configure -a") != std::string::npos;
    if (ran.failed) return *ran.failed;
    return changed(restart_needed());
  }

  bool removes_excluded(const Ran& plan) const {
    const auto removed = planned("Remv", plan.out);
    return std::any_of(removed.begin(), removed.end(),
                       [&](const PlannedPackage& package) { return is_excluded(package.full); });
  }

  /// The plan for the included packages of `plan` and what they depend on; all else is added to
  /// `pins`.
  Ran narrow(const Ran& plan, Names& pins) {
    const auto upgradable = planned("Inst", plan.out);
    Names wanted{"install", "--only-upgrade", "--"};
    const std::size_t options = wanted.size();
    for (const PlannedPackage& package : upgradable) {
      if (is_included(package.full)) wanted.push_back(package.name);
    }
    if (wanted.size() == options) return Ran{};
    const Ran narrowed = simulate(wanted, pins);
    if (narrowed.failed) return narrowed;
    const auto needed = planned("Inst", narrowed.out);
    for (const PlannedPackage& package : upgradable) {
      if (std::none_of(needed.begin(), needed.end(),
                       [&](const PlannedPackage& other) { return other.name == package.name; })) {
        pins.push_back(package.name);
      }
    }
    return simulate({"dist-upgrade"}, pins);
  }

  Ran simulate(const Names& what, const Names& pins) {
    const PinFile file(context_.temp_root, pins);
    Names argv{"apt-get", "-s", "-o", file.option()};
    argv.insert(argv.end(), what.begin(), what.end());
    return execute(argv, {}, Show::errors);
  }

  bool restart_needed() const {
    std::error_code ignored;
    return fs::exists(run_folder_ / "reboot-required", ignored);
  }

  bool interrupted_ = false;  // the last upgrade() found an interrupted one
};

}  // namespace

std::unique_ptr<PackageUpdater> make_apt_updater(const PackageSelection& selection,
                                                 ActionContext& context,
                                                 const fs::path& run_folder) {
  return std::make_unique<AptUpdater>(selection, context, run_folder);
}

}  // namespace toehold
