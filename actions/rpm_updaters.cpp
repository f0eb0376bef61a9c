#include "actions/package_updater.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using Names = std::vector<std::string>;

class DnfUpdater final : public PackageUpdater {
 public:
  DnfUpdater(const PackageSelection& selection, ActionContext& context, const fs::path& run_folder,
             std::string program)
      : PackageUpdater(selection, context, run_folder), program_(std::move(program)) {}

  Outcome update() override {
    Names check{program_, "-q", "-y"};
    if (program_ == "dnf") check.emplace_back("--refresh");
    // 100: there are updates.
    const Ran checked = execute(with_packages(std::move(check), "check-update"), {100});
    if (checked.failed) return *checked.failed;
    if (checked.code == 0) return up_to_date();
    const Ran ran =
        execute(with_packages({program_, "-y"}, program_ == "dnf" ? "upgrade" : "update"));
    if (ran.failed) return *ran.failed;
    return changed(needs_restart());
  }

 private:
  Names with_packages(Names argv, const std::string& command) const {
    for (const std::string& name : selection_.exclude) argv.push_back("--exclude=" + name);
    argv.push_back(command);
    argv.insert(argv.end(), selection_.include.begin(), selection_.include.end());
    return argv;
  }

  bool needs_restart() {
    Names argv{"needs-restarting", "-r"};
    if (!find_in_path(argv[0])) argv.insert(argv.begin(), program_);
    // 1 is also the exit code of a dnf that does not have the command.
    const Ran ran = execute(argv, {1});
    if (!ran.failed && ran.code == 0) return false;
    if (!ran.failed && ran.out.find("Reboot is required") != std::string::npos) return true;
    note("whether a restart is needed is not known; needs-restarting of dnf-utils would tell");
    return false;
  }

  std::string program_;
};

/// The text between `before` and the next `after`, from `at` on, which moves behind it; nullopt
/// when there is none.
std::optional<std::string> next_between(const std::string& text, const std::string& before,
                                        const std::string& after, std::size_t& at) {
  const std::size_t begin = text.find(before, at);
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = text.find(after, begin + before.size());
  if (end == std::string::npos) return std::nullopt;
  at = end;
  return text.substr(begin + before.size(), end - begin - before.size());
}

/// The names of the packages in tags like `<update kind="package" name="bash" ...>`; zypper says
/// `type` for `kind` in its summaries.
Names packages_in(const std::string& xml, const std::string& tag) {
  Names names;
  std::size_t at = 0;
  while (const auto attributes = next_between(xml, "<" + tag + " ", ">", at)) {
    std::size_t from = 0;
    const auto name = next_between(" " + *attributes, " name=\"", "\"", from);
    if (name && attributes->find("=\"package\"") != std::string::npos) names.push_back(*name);
  }
  return names;
}

/// zypper has no option to leave packages out, and its locks would stay when we are killed, so
/// that the packages to update are named.
class ZypperUpdater final : public PackageUpdater {
 public:
  using PackageUpdater::PackageUpdater;

  Outcome update() override {
    if (const Ran ran = execute({"zypper", "--non-interactive", "refresh"}); ran.failed) {
      return *ran.failed;
    }
    const Ran listed =
        execute({"zypper", "--non-interactive", "--xmlout", "list-updates"}, {}, Show::errors);
    if (listed.failed) return *listed.failed;
    Names wanted;
    for (std::string& name : packages_in(listed.out, "update")) {
      if (is_included(name) && !is_excluded(name)) wanted.push_back(std::move(name));
    }
    if (wanted.empty()) return up_to_date();
    if (auto failed = keeps_excluded(wanted)) return *failed;
    const Names argv = with_packages({"zypper", "--non-interactive", "update"}, wanted);
    // 102: a restart is needed. 103: zypper itself was updated and has to be called again.
    Ran ran = execute(argv, {102, 103});
    if (!ran.failed && ran.code == 103) ran = execute(argv, {102, 103});
    if (ran.failed) return *ran.failed;
    return changed(ran.code == 102 || execute({"zypper", "needs-rebooting"}, {102}).code == 102);
  }

 private:
  static Names with_packages(Names argv, const Names& packages) {
    argv.insert(argv.end(), {"--auto-agree-with-licenses", "--"});
    argv.insert(argv.end(), packages.begin(), packages.end());
    return argv;
  }

  /// What is updated may need an excluded package in another version, or replace it.
  std::optional<Failed> keeps_excluded(const Names& wanted) {
    if (selection_.exclude.empty()) return std::nullopt;
    const Ran plan = execute(
        with_packages({"zypper", "--non-interactive", "--xmlout", "update", "--dry-run"}, wanted),
        {102, 103}, Show::errors);
    if (plan.failed) return plan.failed;
    std::size_t at = 0;
    // Its sections are <to-install>, <to-upgrade>, <to-remove> and so on.
    while (const auto section = next_between(plan.out, "<to-", "</to-", at)) {
      for (const std::string& name : packages_in(*section, "solvable")) {
        if (!is_excluded(name)) continue;
        return Failed{
            "the update would change " + name + ", which is excluded; exclude what needs it, too",
            {},
            {}};
      }
    }
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<PackageUpdater> make_dnf_updater(const PackageSelection& selection,
                                                 ActionContext& context, const fs::path& run_folder,
                                                 const std::string& program) {
  return std::make_unique<DnfUpdater>(selection, context, run_folder, program);
}

std::unique_ptr<PackageUpdater> make_zypper_updater(const PackageSelection& selection,
                                                    ActionContext& context,
                                                    const fs::path& run_folder) {
  return std::make_unique<ZypperUpdater>(selection, context, run_folder);
}

}  // namespace toehold
