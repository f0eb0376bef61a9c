#include "actions/builtin_actions.hpp"

namespace toehold {

namespace {

struct Entry {
  std::string path;
  std::string name;
  Value value;
  std::string type;
};

ItemResult run(const Entry&, ActionContext&) {
  return Failed{"SetRegistry runs on Windows only", {}, {}};
}

}  // namespace

Action set_registry() {
  Action action =
      make_list_action("SetRegistry", "Sets values in the Windows registry.",
                       Fields<Entry>{}
                           .required("path", &Entry::path, "The key, such as HKLM:\\SOFTWARE\\App.")
                           .required("name", &Entry::name, "Name of the value.")
                           .required("value", &Entry::value, "A text, a number or a list.")
                           .required("type", &Entry::type, "Kind of the value.")
                           .choices({"BINARY", "DWORD", "QWORD", "SZ", "EXPAND_SZ", "MULTI_SZ"}),
                       run);
  action.info.platforms = windows_only;
  action.info.example = R"(- name: SetVersion
  action: SetRegistry
  inputs:
    - path: HKLM:\SOFTWARE\App
      name: Version
      value: '2.1'
      type: SZ
)";
  return action;
}

}  // namespace toehold
