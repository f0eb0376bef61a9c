#include "runner/controller/changed_files.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "runner/base/digest.hpp"

namespace toehold {

namespace {

const char* type_of(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return "file";
  if (S_ISDIR(status.st_mode)) return "folder";
  if (S_ISLNK(status.st_mode)) return "symlink";
  if (S_ISFIFO(status.st_mode)) return "pipe";
  if (S_ISSOCK(status.st_mode)) return "socket";
  return "device";
}

ChangedFile record(const TreeEntry& entry) {
  ChangedFile file;
  file.path = "/" + entry.path;
  file.type = type_of(entry.status);
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", entry.status.st_mode & 07777u);
  file.mode = mode;
  file.owner = std::to_string(entry.status.st_uid) + ":" + std::to_string(entry.status.st_gid);
  if (S_ISREG(entry.status.st_mode)) {
    file.size = entry.status.st_size;
  } else if (S_ISLNK(entry.status.st_mode)) {
    file.target = std::filesystem::read_symlink(entry.on_disk).string();
  }
  return file;
}

std::string hash_of(const TreeEntry& entry) {
  return digest_of_file(DigestAlgorithm::sha256, entry.on_disk);
}

bool only_copied(const ChangedFile& now, ChangedFile before, const TreeEntry& entry) {
  // Reading the old file is for the rare case that everything else is the same.
  if (before.size && before.size == now.size) before.sha256 = hash_of(entry);
  return same_file(now, before);
}

}  // namespace

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

std::vector<ChangedFile> changed_files(const OverlayStack& stack, std::stop_token stop) {
  std::vector<ChangedFile> files;
  LayerVisitor visitor;
  visitor.present = [&](const TreeEntry& entry, const TreeEntry* before) {
    ChangedFile file = record(entry);
    if (file.size) file.sha256 = hash_of(entry);
    if (before && only_copied(file, record(*before), *before)) return;
    file.change = before ? "changed" : "added";
    files.push_back(std::move(file));
  };
  visitor.removed = [&](const TreeEntry& before) {
    files.push_back(record(before));
    files.back().change = "removed";
  };
  walk_uppermost(stack, visitor, std::move(stop));
  std::sort(files.begin(), files.end(),
            [](const ChangedFile& a, const ChangedFile& b) { return a.path < b.path; });
  return files;
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
