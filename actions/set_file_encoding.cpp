#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

struct Conversion {
  std::string path;
  std::string encoding = "utf8";
};

ItemResult run(const Conversion& conversion, ActionContext&) {
  const std::string text = decode_text(read_file(conversion.path), Encoding::utf8);
  write_document_file(
      conversion.path,
      encode_text(text, encoding_named(conversion.encoding).value_or(Encoding::utf8)));
  return Value();
}

}  // namespace

Action set_file_encoding() {
  Action action =
      make_list_action("SetFileEncoding", "Converts UTF-8 files to another encoding.",
                       Fields<Conversion>{}
                           .required("path", &Conversion::path, "The file; it has to be UTF-8.")
                           .optional("encoding", &Conversion::encoding, "The new encoding.", "utf8")
                           .choices(encoding_names()),
                       run);
  action.info.example = R"(- name: ConvertForTool
  action: SetFileEncoding
  inputs:
    - path: /opt/app/strings.txt
      encoding: utf-16
)";
  return action;
}

}  // namespace toehold
