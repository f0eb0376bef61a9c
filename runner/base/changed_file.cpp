#include "runner/base/changed_file.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <map>
#include <tuple>

namespace toehold {

namespace {

const char* type_of(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "folder";
  if (S_ISLNK(mode)) return "symlink";
  if (S_ISFIFO(mode)) return "pipe";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

}  // namespace

ChangedFile file_record(std::string path, mode_t mode, uid_t user, gid_t group) {
  ChangedFile file;
  file.path = std::move(path);
  file.type = type_of(mode);
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777u);
  file.mode = text;
  file.owner = std::to_string(user) + ":" + std::to_string(group);
  return file;
}

const Fields<ChangedFile>& changed_file_fields() {
  static const Fields<ChangedFile> fields =
      Fields<ChangedFile>{}
          .required("path", &ChangedFile::path, "Absolute, in the image.")
          .required("change", &ChangedFile::change, "`added`, `changed` or `removed`.")
          .required("type", &ChangedFile::type,
                    "`file`, `folder`, `symlink`, `device`, `pipe` or `socket`.")
          .optional("mode", &ChangedFile::mode, "Permissions, in octal.")
          .optional("owner", &ChangedFile::owner, "Numbers of user and group: `0:0`.")
          .optional("size", &ChangedFile::size, "Bytes of a file.")
          .optional("sha256", &ChangedFile::sha256, "Of a file's content; not of one removed.")
          .optional("target", &ChangedFile::target, "Where a symlink points.");
  return fields;
}

std::vector<ChangedFile> net_changes(const std::vector<std::vector<ChangedFile>>& steps) {
  std::map<std::string, ChangedFile> net;
  for (const auto& step : steps) {
    for (ChangedFile file : step) {
      const auto known = net.find(file.path);
      if (known != net.end()) {
        const bool new_to_parent = known->second.change == "added";
        if (new_to_parent && file.change == "removed") {
          net.erase(known);
          continue;
        }
        if (new_to_parent) file.change = "added";
        if (known->second.change == "removed") file.change = "changed";
      }
      net[file.path] = std::move(file);
    }
  }
  std::vector<ChangedFile> files;
  for (auto& [path, file] : net) files.push_back(std::move(file));
  return files;
}

bool same_file(const ChangedFile& a, const ChangedFile& b) {
  return std::tie(a.type, a.mode, a.owner, a.size, a.sha256, a.target) ==
         std::tie(b.type, b.mode, b.owner, b.size, b.sha256, b.target);
}

}  // namespace toehold
