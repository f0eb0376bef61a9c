#include "runner/controller/changed_files.hpp"

#include <algorithm>

#include "runner/base/digest.hpp"

namespace toehold {

namespace {

ChangedFile record(const TreeEntry& entry) {
  const struct stat& status = entry.status;
  ChangedFile file = file_record("/" + entry.path, status.st_mode, status.st_uid, status.st_gid);
  if (S_ISREG(status.st_mode)) {
    file.size = status.st_size;
  } else if (S_ISLNK(status.st_mode)) {
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

}  // namespace toehold
