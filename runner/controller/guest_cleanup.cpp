#include "runner/controller/guest_cleanup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr const char* cloud_init = "skip_cleanup_cloudinit_files";
constexpr const char* instance = "skip_cleanup_instance_files";
constexpr const char* ssh = "skip_cleanup_ssh_files";
constexpr const char* instance_logs = "skip_cleanup_instance_log_files";
constexpr const char* toe = "skip_cleanup_toe_files";
constexpr const char* ssm_logs = "skip_cleanup_ssm_log_files";

/// All existing paths that the pattern names, each through real folders only.
void expand(const OverlayStack& stack, const std::string& folder,
            const std::vector<std::string>& parts, std::size_t at, std::set<std::string>& found) {
  const auto entry = find_in_tree(stack, folder);
  if (!entry || !S_ISDIR(entry->status.st_mode)) return;
  const std::string real = entry->path;
  for (const std::string& name : names_in_tree(stack, real)) {
    if (!wildcard_matches(parts[at], name)) continue;
    const std::string path = real.empty() ? name : real + "/" + name;
    if (at + 1 == parts.size()) {
      found.insert(path);
    } else {
      expand(stack, path, parts, at + 1, found);
    }
  }
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (const std::string& part : split(path, '/')) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::set<std::string> matches(const OverlayStack& stack, const std::string& pattern) {
  std::set<std::string> found;
  expand(stack, "", parts_of(pattern), 0, found);
  return found;
}

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

const std::vector<CleanupRule>& cleanup_rules() {
  static const std::vector<CleanupRule> rules{
      {"/etc/sudoers.d/90-cloud-init-users", false, cloud_init},
      {"/etc/locale.conf", false, cloud_init},
      {"/var/log/cloud-init.log", false, cloud_init},
      {"/var/log/cloud-init-output.log", false, cloud_init},
      {"/var/lib/cloud/*", false, cloud_init},
      {"/etc/machine-id", true, instance},
      {"/etc/hostname", false, instance},
      {"/etc/.updated", false, instance},
      {"/etc/aliases.db", false, instance},
      {"/var/.updated", false, instance},
      {"/var/lib/misc/postfix.aliasesdb-stamp", false, instance},
      {"/var/lib/postfix/master.lock", false, instance},
      {"/var/spool/postfix/pid/master.pid", false, instance},
      {"/var/cache/yum/x86_64/2/.gpgkeyschecked.yum", false, instance},
      {"/var/lib/dhclient/*", false, instance},
      {"/var/lib/dhcp/*", false, instance},
      {"/var/tmp/*", false, instance},
      {"/root/.bash_history", false, instance},
      {"/home/*/.bash_history", false, instance},
      {"/etc/ssh/ssh_host_*_key", false, ssh},
      {"/etc/ssh/ssh_host_*_key.pub", false, ssh},
      {"/root/.ssh/authorized_keys", false, ssh},
      {"/home/*/.ssh/authorized_keys", false, ssh},
      {"/var/log/audit/*", false, instance_logs},
      {"/var/log/boot.log*", false, instance_logs},
      {"/var/log/dmesg*", false, instance_logs},
      {"/var/log/cron*", false, instance_logs},
      {"/var/log/journal/*", false, instance_logs},
      {"{work}/TOE_*", false, toe},
      {"/var/log/amazon/ssm/*", false, ssm_logs},
      {"{work}/skip_cleanup_*_files", false, ""},  // they are for this, and not for the image
  };
  return rules;
}

std::vector<CleanupItem> find_for_cleanup(const OverlayStack& stack,
                                          const std::string& working_directory) {
  const std::string work = working_directory.empty() ? "/tmp" : working_directory;
  std::vector<CleanupItem> items;
  for (const CleanupRule& rule : cleanup_rules()) {
    if (*rule.skip_file != '\0' && find_in_tree(stack, work + "/" + rule.skip_file)) continue;
    std::string pattern = rule.path;
    if (pattern.starts_with("{work}")) pattern = work + pattern.substr(6);
    for (const std::string& path : matches(stack, pattern)) {
      if (rule.only_emptied) {
        const auto entry = find_in_tree(stack, path);
        const bool has_content =
            entry && entry->path == path && S_ISREG(entry->status.st_mode) && entry->status.st_size;
        if (!has_content) continue;
      }
      items.push_back({path, rule.only_emptied});
    }
  }
  std::sort(items.begin(), items.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return items;
}

void write_cleanup_layer(const OverlayStack& stack, const std::vector<CleanupItem>& items,
                         const fs::path& folder) {
  make_private_directory(folder);
  LayerMaker layer(stack, folder);
  for (const CleanupItem& item : items) layer.add(item);
  layer.finish();
}

}  // namespace toehold
