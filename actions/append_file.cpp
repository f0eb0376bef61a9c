#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
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

/// A file that got a part of the text would be neither old nor new.
void append_or_restore(int fd, const std::string& bytes, off_t size, const std::string& path) {
  try {
    write_all(fd, bytes, path);
    // /proc and the like have nothing to sync.
    if (::fsync(fd) != 0 && errno != EINVAL) throw_errno("cannot append to", path);
  } catch (...) {
    if (::ftruncate(fd, size) != 0) {
      // What failed first is what matters.
    }
    throw;
  }
}

ItemResult run(const Addition& addition, ActionContext&) {
  const std::filesystem::path path = file_path(addition.path);
  std::string bytes;
  try {
    bytes =
        encode_text(addition.content, encoding_named(addition.encoding).value_or(Encoding::utf8));
  } catch (Error& error) {
    throw error.during("the content for " + addition.path);
  }
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno == ENXIO) throw Error(Error::Kind::io, addition.path + " is not a file");
    throw_errno("cannot append to", path, errno,
                errno == ENOENT ? "CreateFile makes new files" : "");
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("cannot look at", path);
  require_regular(path, status);
  append_or_restore(fd.get(), bytes, status.st_size, addition.path);
  return Value();
}

}  // namespace

Action append_file() {
  Action action = make_list_action(
      "AppendFile", "Adds text to the end of files that exist.",
      Fields<Addition>{}
          .required("path", &Addition::path, "The file; it has to exist.")
          .optional("content", &Addition::content,
                    "What is added, literally; no newline comes by itself.", "nothing")
          .optional("encoding", &Addition::encoding,
                    "Encoding of the added text; what is there already is not looked at.", "utf8")
          .choices(encoding_names()),
      run);
  action.info.platforms = every_platform;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_file_path(item, "path", deferred, diagnostics);
  };
  action.info.example = R"(- name: AddHost
  action: AppendFile
  inputs:
    - path: /etc/hosts
      content: "10.0.0.5 build.internal\n"
)";
  return action;
}

}  // namespace toehold
