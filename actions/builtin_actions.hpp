// THE list of actions. Every action is made by a function of its own file and named here once;
// order is that of the reference page. Called by the mains and by the tests of the tables.
#pragma once

#include <filesystem>
#include <vector>

#include "runner/engine/action.hpp"

namespace toehold {

std::vector<Action> builtin_actions();

// One per file of this folder.
Action execute_bash();
Action execute_binary();
Action execute_powershell();
Action execute_document();
Action assert_action();
Action reboot();
/// `run_folder`: where the machine says that it has booted, and that it needs a restart.
Action update_os(const std::filesystem::path& run_folder = "/run");
Action web_download();
Action s3_download();
Action s3_upload();
Action create_file();
Action append_file();
Action copy_file();
Action move_file();
Action delete_file();
Action read_file_action();
Action list_files();
Action create_folder();
Action copy_folder();
Action move_folder();
Action delete_folder();
Action create_symlink();
Action set_file_permissions();
Action set_file_owner();
Action set_file_encoding();
Action set_folder_permissions();
Action set_folder_owner();
Action install_msi();
Action uninstall_msi();
Action set_registry();

}  // namespace toehold
