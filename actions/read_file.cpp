#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

/// What is chained into other steps is kept in memory and in the journal.
constexpr std::size_t most_bytes = 16u << 20;

struct Source {
  std::string path;
  std::string encoding = "utf8";
  bool print_file_content = false;
};

ItemResult run(const Source& source, ActionContext& context) {
  std::string content = read_document_file(file_path(source.path), most_bytes);
  try {
    content = decode_text(content, encoding_named(source.encoding).value_or(Encoding::utf8));
  } catch (Error& error) {
    throw error.during(source.path);
  }
  if (source.print_file_content && !content.empty()) context.output(Stream::out, content);
  return Value::object({{"content", content}});
}

}  // namespace

Action read_file_action() {
  Action action = make_list_action(
      "ReadFile", "Reads text files, so that later steps can use what is in them.",
      Fields<Source>{}
          .required("path", &Source::path, "The file; links are followed.")
          .optional("encoding", &Source::encoding,
                    "Encoding of the file; a byte order mark is left away.", "utf8")
          .choices(encoding_names())
          .optional("printFileContent", &Source::print_file_content,
                    "Print the content, so that it stands in the log.", "false"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_file_path(item, "path", deferred, diagnostics);
  };
  action.info.outputs = {{"content", "The text of the file."}};
  action.info.example = R"(- name: ReadVersion
  action: ReadFile
  inputs:
    - path: /opt/app/VERSION
)";
  return action;
}

}  // namespace toehold
