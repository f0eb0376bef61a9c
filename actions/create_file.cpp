#include <sys/stat.h>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/encoding.hpp"

namespace toehold {

namespace {

struct File {
  std::string path;
  std::string content;
  std::string encoding = "utf8";
  std::optional<std::string> owner;
  std::optional<std::string> group;
  std::optional<std::string> permissions;
  bool overwrite = true;
};

ItemResult run(const File& file, ActionContext&) {
  std::error_code error;
  if (!file.overwrite && std::filesystem::exists(file.path, error)) {
    return Failed{file.path + " exists and overwrite is false", {}, {}};
  }
  std::optional<mode_t> mode;
  if (file.permissions) {
    mode = parse_mode(*file.permissions);
    if (!mode) return Failed{"permissions: not an octal mode: " + *file.permissions, {}, {}};
  }
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
  if (file.owner) owner = find_user(*file.owner);
  if (file.group) group = find_group(*file.group);
  const std::string bytes =
      encode_text(file.content, encoding_named(file.encoding).value_or(Encoding::utf8));
  create_parents(file.path);
  write_document_file(file.path, bytes, mode, owner, group);
  return Value();
}

}  // namespace

Action create_file() {
  Action action = make_list_action(
      "CreateFile", "Writes files, with the folders above them.",
      Fields<File>{}
          .required("path", &File::path, "The file.")
          .optional("content", &File::content, "What it holds, taken literally.", "nothing")
          .optional("encoding", &File::encoding, "Encoding of the file.", "utf8")
          .choices(encoding_names())
          .optional("owner", &File::owner, "User, by name or number.", "the current user")
          .optional("group", &File::group, "Group, by name or number.", "the current group")
          .optional("permissions", &File::permissions, "Octal mode.", "0666 less the umask")
          .optional("overwrite", &File::overwrite,
                    "Replace the content of a file that exists; false: fail instead.", "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_mode(item, "permissions", deferred, diagnostics);
  };
  action.info.example = R"(- name: WriteSettings
  action: CreateFile
  inputs:
    - path: /etc/app/settings.ini
      content: |
        [server]
        port = 8080
      permissions: 0640
      owner: root
      group: adm
)";
  return action;
}

}  // namespace toehold
