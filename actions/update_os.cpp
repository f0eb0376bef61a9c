#include <algorithm>

#include "actions/builtin_actions.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

struct Update {
  std::vector<std::string> include;
  std::vector<std::string> exclude;
};

/// A name that a package manager cannot take for an option or a file.
bool is_package_name(const std::string& name) {
  if (name.empty() || name.front() == '-' || name.front() == '.') return false;
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:~*") ==
         std::string::npos;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Updater {
 public:
  Updater(const Update& update, ActionContext& context) : update_(update), context_(context) {
    // Included less excluded.
    for (const std::string& name : update.include) {
      if (!contains(update.exclude, name)) wanted_.push_back(name);
    }
  }

  Outcome run() {
    if (!update_.include.empty() && wanted_.empty()) {
      context_.note("UpdateOS: everything that is included is excluded, too");
      return Succeeded{};
    }
    if (find_in_path("apt-get")) return apt();
    if (find_in_path("dnf")) return dnf("dnf");
    if (find_in_path("yum")) return dnf("yum");
    if (find_in_path("zypper")) return zypper();
    return Failed{"UpdateOS needs apt-get, dnf, yum or zypper, and none is in PATH", {}, {}};
  }

 private:
  /// nullopt when it succeeded; `accepted`: exit codes beyond 0 that do.
  std::optional<Failed> execute(std::vector<std::string> argv, std::string* output = nullptr,
                                std::vector<int> accepted = {}) {
    context_.note("UpdateOS: " + join(argv, " "));
    Command command;
    command.argv = std::move(argv);
    command.environment = context_.environment;
    command.environment.emplace_back("DEBIAN_FRONTEND", "noninteractive");
    command.environment.emplace_back("LC_ALL", "C");
    const std::string program = command.argv[0];
    const ProcessResult result = context_.processes.run(
        command,
        [&](Stream stream, std::string_view bytes) {
          if (output && stream == Stream::out) {
            output->append(bytes);
          } else {
            context_.output(stream, bytes);
          }
        },
        context_.process_started, context_.deadline, context_.stop);
    last_code_ = result.exit_code.value_or(-1);
    if (result.succeeded()) return std::nullopt;
    if (std::find(accepted.begin(), accepted.end(), last_code_) != accepted.end()) {
      return std::nullopt;
    }
    return Failed{program + ": " + describe(result),
                  result.exit_code,
                  {},
                  result.timed_out,
                  result.cancelled};
  }

  /// What `apt-get -s` would install: the lines "Inst NAME ...".
  static std::vector<std::string> simulated(const std::string& output) {
    std::vector<std::string> names;
    for (const std::string& line : split(output, '\n')) {
      if (!line.starts_with("Inst ")) continue;
      names.push_back(line.substr(5, line.find(' ', 5) - 5));
    }
    return names;
  }

  Outcome apt() {
    if (auto failed = execute({"apt-get", "update"})) return *failed;
    std::string plan;
    std::vector<std::string> simulate{"apt-get", "-s", "dist-upgrade"};
    if (!wanted_.empty()) {
      simulate = {"apt-get", "-s", "install", "--only-upgrade", "--"};
      simulate.insert(simulate.end(), wanted_.begin(), wanted_.end());
    }
    if (auto failed = execute(simulate, &plan)) return *failed;
    // The packages are named one by one: a hold would have to be undone whatever happens.
    std::vector<std::string> names;
    for (const std::string& name : simulated(plan)) {
      if (!contains(update_.exclude, name.substr(0, name.find(':')))) names.push_back(name);
    }
    if (names.empty()) {
      context_.note("UpdateOS: everything is up to date");
      return Succeeded{};
    }
    std::vector<std::string> install{"apt-get", "-y",
                                     "-o",      "Dpkg::Options::=--force-confdef",
                                     "-o",      "Dpkg::Options::=--force-confold",
                                     "install", "--"};
    install.insert(install.end(), names.begin(), names.end());
    // "NAME-" keeps a package back, even as a dependency of another.
    for (const std::string& name : update_.exclude) {
      if (plan.find("Inst " + name + " ") != std::string::npos) install.push_back(name + "-");
    }
    if (auto failed = execute(install)) return *failed;
    return changed(std::filesystem::exists("/run/reboot-required") ||
                   std::filesystem::exists("/var/run/reboot-required"));
  }

  Outcome dnf(const std::string& program) {
    // 100: there are updates; 0: there are none.
    if (auto failed = execute({program, "-q", "check-update"}, nullptr, {100})) return *failed;
    if (last_code_ == 0) {
      context_.note("UpdateOS: everything is up to date");
      return Succeeded{};
    }
    std::vector<std::string> argv{program, "-y"};
    for (const std::string& name : update_.exclude) argv.push_back("--exclude=" + name);
    argv.push_back(program == "dnf" ? "upgrade" : "update");
    argv.insert(argv.end(), wanted_.begin(), wanted_.end());
    if (auto failed = execute(argv)) return *failed;
    if (!find_in_path("needs-restarting")) return changed(false);
    // 1: a restart is needed.
    if (auto failed = execute({"needs-restarting", "-r"}, nullptr, {1})) return changed(false);
    return changed(last_code_ == 1);
  }

  Outcome zypper() {
    const std::vector<std::string> base{"zypper", "--non-interactive", "--gpg-auto-import-keys"};
    auto refresh = base;
    refresh.push_back("refresh");
    if (auto failed = execute(refresh)) return *failed;
    auto argv = base;
    argv.insert(argv.end(), {"update", "--auto-agree-with-licenses"});
    if (!update_.exclude.empty() && wanted_.empty()) {
      for (const std::string& name : update_.exclude) {
        auto lock = base;
        lock.insert(lock.end(), {"addlock", name});
        if (auto failed = execute(lock)) return *failed;
      }
    }
    argv.insert(argv.end(), wanted_.begin(), wanted_.end());
    // 102: a restart is needed; 103: zypper itself was updated and wants another turn.
    auto failed = execute(argv, nullptr, {102, 103});
    const bool restart = last_code_ == 102;
    if (!failed && last_code_ == 103) failed = execute(argv, nullptr, {102, 103});
    if (!update_.exclude.empty() && wanted_.empty()) {
      for (const std::string& name : update_.exclude) {
        auto unlock = base;
        unlock.insert(unlock.end(), {"removelock", name});
        if (auto stuck = execute(unlock); stuck && !failed) failed = stuck;
      }
    }
    if (failed) return *failed;
    return changed(restart || last_code_ == 102);
  }

  /// Something was updated. After the reboot the step runs again, and ends when nothing is left.
  Outcome changed(bool restart_needed) {
    if (!restart_needed) return Succeeded{};
    if (!std::filesystem::exists("/run/systemd/system")) {
      context_.note("UpdateOS: a restart is due, but this place has no machine to restart");
      return Succeeded{};
    }
    context_.note("UpdateOS: a restart is needed");
    return RebootRequired{RebootRequired::Resume::same_step, std::chrono::seconds(0)};
  }

  const Update& update_;
  ActionContext& context_;
  std::vector<std::string> wanted_;
  int last_code_ = 0;
};

Outcome run(const Update& update, ActionContext& context) {
  if (!context.platform.root) {
    return Failed{"UpdateOS needs root: only root may install packages", {}, {}};
  }
  for (const auto* list : {&update.include, &update.exclude}) {
    for (const std::string& name : *list) {
      if (!is_package_name(name)) return Failed{"'" + name + "' is no package name", {}, {}};
    }
  }
  return Updater(update, context).run();
}

}  // namespace

Action update_os() {
  Action action = make_action(
      "UpdateOS", "Installs the updates of the operating system's packages.",
      Fields<Update>{}
          .optional("include", &Update::include, "Only these packages.", "all that have updates")
          .optional("exclude", &Update::exclude, "Not these packages.", "none"),
      run);
  action.info.platforms = linux_only | windows_only;
  action.info.inputs_required = false;
  action.info.repeatable = true;
  action.info.example = R"(- name: UpdatePackages
  action: UpdateOS
  timeoutSeconds: 3600
  inputs:
    exclude:
      - linux-image-amd64
)";
  return action;
}

}  // namespace toehold
