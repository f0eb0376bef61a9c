#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/error.hpp"

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
  const std::filesystem::path path = file_path(file.path);
  const Attributes attributes = find_attributes(file.owner, file.group, file.permissions);
  std::string bytes;
  try {
    bytes = encode_text(file.content, encoding_named(file.encoding).value_or(Encoding::utf8));
  } catch (Error& error) {
    throw error.during("the content for " + file.path);
  }
  create_parents(path);
  write_document_file(path, bytes, attributes, file.overwrite);
  return Value();
}

}  // namespace

Action create_file() {
  Action action = make_list_action(
      "CreateFile", "Writes files, with the folders above them.",
      Fields<File>{}
          .required("path", &File::path, "The file. Missing folders above it are made.")
          .optional("content", &File::content,
                    "What it holds, taken literally: a backslash is a backslash.", "nothing")
          .optional("encoding", &File::encoding,
                    "Encoding of the file; no byte order mark is written.", "utf8")
          .choices(encoding_names())
          .optional("owner", &File::owner, "User, by name or number.",
                    "the current user; a file that exists keeps its own")
          .optional("group", &File::group, "Group, by name or number.",
                    "the current group; a file that exists keeps its own")
          .optional("permissions", &File::permissions,
                    "Octal mode of three or four digits, such as 0644 or 755.",
                    "0666 less the umask; a file that exists keeps its own")
          .optional("overwrite", &File::overwrite,
                    "Replace the content of a file that exists; false: fail instead.", "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_file_path(item, "path", deferred, diagnostics);
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
