#include "actions/builtin_actions.hpp"

namespace toehold {

namespace {

struct Package {
  std::string path;
  std::string reboot = "Allow";
  std::string log_options = "*VX";
  std::optional<std::string> log_file;
  std::vector<std::pair<std::string, std::string>> properties;
  bool ignore_authenticode_signature_errors = false;
  bool allow_unsigned_installer = false;
};

Outcome run(const Package&, ActionContext&) {
  return Failed{"UninstallMSI runs on Windows only", {}, {}};
}

}  // namespace

Action uninstall_msi() {
  Action action = make_action(
      "UninstallMSI", "Removes an MSI package on Windows.",
      Fields<Package>{}
          .required("path", &Package::path, "The MSI: a path, an S3 address or a URL.")
          .optional("reboot", &Package::reboot,
                    "Allow: when the installer asks; Force: always; Skip: never.", "Allow")
          .choices({"Allow", "Force", "Skip"})
          .optional("logOptions", &Package::log_options, "Flags of msiexec's /L.", "*VX")
          .optional("logFile", &Package::log_file, "Where the installer's log goes.", "no log")
          .optional("properties", &Package::properties, "Properties to set, by name.")
          .optional("ignoreAuthenticodeSignatureErrors",
                    &Package::ignore_authenticode_signature_errors,
                    "Go on with a signature that is not valid.", "false")
          .optional("allowUnsignedInstaller", &Package::allow_unsigned_installer,
                    "Go on without a signature.", "false"),
      run);
  action.info.platforms = windows_only;
  action.info.outputs = {{"logFile", "Path of the installer's log."},
                         {"msiExitCode", "Exit code of msiexec."},
                         {"stdout", "What msiexec printed."}};
  action.info.example = R"(- name: RemoveApp
  action: UninstallMSI
  inputs:
    path: C:\setup\app.msi
    reboot: Skip
)";
  return action;
}

}  // namespace toehold
