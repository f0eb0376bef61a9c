#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

struct Conversion {
  std::string path;
  std::string encoding = "utf8";
};

/// A file is converted as a whole.
constexpr std::size_t most_bytes = 256u << 20;

ItemResult run(const Conversion& conversion, ActionContext&) {
  const std::filesystem::path path = file_path(conversion.path);
  const std::string bytes = read_document_file(path, most_bytes);
  std::string converted;
  try {
    converted = encode_text(decode_text(bytes, Encoding::utf8),
                            encoding_named(conversion.encoding).value_or(Encoding::utf8));
  } catch (Error& error) {
    throw error.during(conversion.path + " is not UTF-8, as it has to be");
  }
  if (converted != bytes) write_document_file(path, converted);
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
  action.info.platforms = every_platform;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_file_path(item, "path", deferred, diagnostics);
  };
  action.info.example = R"(- name: ConvertForTool
  action: SetFileEncoding
  inputs:
    - path: /opt/app/strings.txt
      encoding: utf-16
)";
  return action;
}

}  // namespace toehold
