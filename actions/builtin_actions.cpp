#include "actions/builtin_actions.hpp"

namespace toehold {

std::vector<Action> builtin_actions() {
  std::vector<Action> actions;
  const auto add = [&](Action action) { actions.push_back(std::move(action)); };
  add(execute_bash());
  add(execute_binary());
  add(execute_powershell());
  add(execute_document());
  add(assert_action());
  add(reboot());
  add(update_os());
  add(web_download());
  add(s3_download());
  add(s3_upload());
  add(create_file());
  add(append_file());
  add(copy_file());
  add(move_file());
  add(delete_file());
  add(read_file_action());
  add(list_files());
  add(create_folder());
  add(copy_folder());
  add(move_folder());
  add(delete_folder());
  add(create_symlink());
  add(set_file_permissions());
  add(set_file_owner());
  add(set_file_encoding());
  add(set_folder_permissions());
  add(set_folder_owner());
  add(install_msi());
  add(uninstall_msi());
  add(set_registry());
  return actions;
}

}  // namespace toehold
