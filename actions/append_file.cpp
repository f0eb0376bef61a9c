#include <fcntl.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

struct Addition {
  std::string path;
  std::string content;
  std::string encoding = "utf8";
};

ItemResult run(const Addition& addition, ActionContext&) {
  const std::string bytes =
      encode_text(addition.content, encoding_named(addition.encoding).value_or(Encoding::utf8));
  const FileDescriptor fd(::open(addition.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd) {
    throw Error::from_errno("cannot append to " + addition.path, errno,
                            errno == ENOENT ? "CreateFile makes a new file" : "");
  }
  write_all(fd.get(), bytes, addition.path);
  return Value();
}

}  // namespace

Action append_file() {
  Action action = make_list_action(
      "AppendFile", "Adds text to the end of files that exist.",
      Fields<Addition>{}
          .required("path", &Addition::path, "The file; it has to exist.")
          .optional("content", &Addition::content, "What is added; no newline comes by itself.",
                    "nothing")
          .optional("encoding", &Addition::encoding, "Encoding of the added text.", "utf8")
          .choices(encoding_names()),
      run);
  action.info.platforms = every_platform;
  action.info.example = R"(- name: AddHost
  action: AppendFile
  inputs:
    - path: /etc/hosts
      content: "10.0.0.5 build.internal\n"
)";
  return action;
}

}  // namespace toehold
