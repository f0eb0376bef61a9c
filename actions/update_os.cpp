#include <algorithm>

#include "actions/builtin_actions.hpp"
#include "actions/package_updater.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// A name that a package manager cannot take for an option or a file.
bool is_package_name(const std::string& name) {
  if (name.empty() || std::string_view("+-._:~").find(name.front()) != std::string_view::npos) {
    return false;
  }
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:~*") ==
         std::string::npos;
}

/// Null when the system has no package manager that we know.
std::unique_ptr<PackageUpdater> find_updater(const PackageSelection& selection,
                                             ActionContext& context, const fs::path& run_folder) {
  std::vector<std::string> programs{"apt-get", "dnf", "yum", "zypper"};
  // A machine may have the package manager of another family installed, too.
  for (const std::string& word : split(context.platform.os_id, ' ')) {
    if (word == "suse" || word == "sles" || word.starts_with("opensuse")) {
      programs.insert(programs.begin(), "zypper");
      break;
    }
    if (word == "fedora" || word == "rhel" || word == "centos" || word == "amzn") {
      programs.insert(programs.begin(), {"dnf", "yum"});
      break;
    }
  }
  for (const std::string& program : programs) {
    if (!find_in_path(program)) continue;
    if (program == "apt-get") return make_apt_updater(selection, context, run_folder);
    if (program == "zypper") return make_zypper_updater(selection, context, run_folder);
    return make_dnf_updater(selection, context, run_folder, program);
  }
  return nullptr;
}

Outcome run(const PackageSelection& given, ActionContext& context, const fs::path& run_folder) {
  if (!context.platform.root) {
    return Failed{"UpdateOS needs root: only root may install packages", {}, {}};
  }
  for (const auto* list : {&given.include, &given.exclude}) {
    for (const std::string& name : *list) {
      if (!is_package_name(name)) return Failed{"'" + name + "' is no package name", {}, {}};
    }
  }
  PackageSelection selection = given;
  std::erase_if(selection.include,
                [&](const std::string& name) { return is_among(name, given.exclude); });
  if (selection.include.empty() && !given.include.empty()) {
    context.note("UpdateOS: everything that is included is excluded, too");
    return Succeeded{};
  }
  const auto updater = find_updater(selection, context, run_folder);
  if (!updater) {
    return Failed{"UpdateOS needs apt-get, dnf, yum or zypper, and none is in PATH", {}, {}};
  }
  return updater->update();
}

}  // namespace

Action update_os(const fs::path& run_folder) {
  Action action = make_action(
      "UpdateOS", "Installs the updates of the operating system's packages.",
      Fields<PackageSelection>{}
          .optional("include", &PackageSelection::include,
                    "Only these packages, and what their updates need; `*` stands for anything.",
                    "all that have updates")
          .optional("exclude", &PackageSelection::exclude,
                    "Not these packages; they stay as they are.", "none"),
      [run_folder](const PackageSelection& selection, ActionContext& context) {
        return run(selection, context, run_folder);
      });
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
