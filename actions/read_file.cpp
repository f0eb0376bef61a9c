#include "actions/builtin_actions.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/files.hpp"

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
  const std::string content = decode_text(read_file(source.path, most_bytes),
                                          encoding_named(source.encoding).value_or(Encoding::utf8));
  if (source.print_file_content && !content.empty()) context.output(Stream::out, content);
  return Value::object({{"content", content}});
}

}  // namespace

Action read_file_action() {
  Action action =
      make_list_action("ReadFile", "Reads text files, so that later steps can use what is in them.",
                       Fields<Source>{}
                           .required("path", &Source::path, "The file; links are followed.")
                           .optional("encoding", &Source::encoding, "Encoding of the file.", "utf8")
                           .choices(encoding_names())
                           .optional("printFileContent", &Source::print_file_content,
                                     "Write the content to the log.", "false"),
                       run);
  action.info.repeatable = true;
  action.info.outputs = {{"content", "The text of the file."}};
  action.info.example = R"(- name: ReadVersion
  action: ReadFile
  inputs:
    - path: /opt/app/VERSION
)";
  return action;
}

}  // namespace toehold
