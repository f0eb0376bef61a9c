#include "runner/controller/cleanup_layer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

class TreeFiles final : public GuestFiles {
 public:
  explicit TreeFiles(const OverlayStack& stack) : stack_(stack) {}
  std::optional<GuestFile> find(const std::string& path) const override {
    const auto entry = find_in_tree(stack_, path);
    if (!entry) return std::nullopt;
    return GuestFile{entry->path, entry->status.st_mode, entry->status.st_size};
  }
  std::vector<std::string> names(const std::string& folder) const override {
    return names_in_tree(stack_, folder);
  }

 private:
  const OverlayStack& stack_;
};

[[noreturn]] void fail(const fs::path& path) {
  throw Error::from_errno("cannot make " + path.string(), errno);
}

/// In a merged folder owner, mode and time of the upper one count.
void copy_status(const fs::path& path, const struct stat& status) {
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (::lchown(path.c_str(), status.st_uid, status.st_gid) != 0 ||
      ::chmod(path.c_str(), status.st_mode & 07777) != 0 ||
      ::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) {
    fail(path);
  }
}

class LayerMaker {
 public:
  LayerMaker(const OverlayStack& stack, fs::path folder)
      : stack_(stack), folder_(std::move(folder)) {}

  void add(const CleanupItem& item) {
    add_folder(fs::path(item.path).parent_path().string());
    const fs::path place = folder_ / item.path;
    if (!item.only_emptied) {
      if (::mknod(place.c_str(), S_IFCHR, makedev(0, 0)) != 0) fail(place);
      return;
    }
    const auto entry = find_in_tree(stack_, item.path);
    const FileDescriptor file(
        ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file || !entry) fail(place);
    copy_status(place, entry->status);
  }

  /// When nothing is put into the folders any more, so that their times stay.
  void finish() {
    for (auto at = folders_.rbegin(); at != folders_.rend(); ++at) {
      if (const auto entry = find_in_tree(stack_, *at)) copy_status(folder_ / *at, entry->status);
    }
  }

 private:
  void add_folder(const std::string& path) {
    if (!folders_.insert(path).second) return;
    if (!path.empty()) add_folder(fs::path(path).parent_path().string());
    if (::mkdir((folder_ / path).c_str(), 0700) != 0 && errno != EEXIST) fail(folder_ / path);
  }

  const OverlayStack& stack_;
  const fs::path folder_;
  std::set<std::string> folders_;  // a folder comes before what is in it
};

}  // namespace

std::vector<CleanupItem> find_for_cleanup(const OverlayStack& stack,
                                          const std::string& working_directory) {
  return find_for_cleanup(TreeFiles(stack), working_directory);
}

void write_cleanup_layer(const OverlayStack& stack, const std::vector<CleanupItem>& items,
                         const fs::path& folder) {
  make_private_directory(folder);
  LayerMaker layer(stack, folder);
  for (const CleanupItem& item : items) layer.add(item);
  layer.finish();
}

}  // namespace toehold
