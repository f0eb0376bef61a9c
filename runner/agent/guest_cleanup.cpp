#include "runner/agent/guest_cleanup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>
#include <tuple>

#include <CLI/CLI.hpp>

#include "runner/agent/program.hpp"
#include "runner/agent/supervised_run.hpp"
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
void expand(const GuestFiles& files, const std::string& folder,
            const std::vector<std::string>& parts, std::size_t at, std::set<std::string>& found) {
  const auto entry = files.find(folder);
  if (!entry || !S_ISDIR(entry->mode)) return;
  const std::string& real = entry->path;
  for (const std::string& name : files.names(real)) {
    if (!wildcard_matches(parts[at], name)) continue;
    const std::string path = real.empty() ? name : real + "/" + name;
    if (at + 1 == parts.size()) {
      found.insert(path);
    } else {
      expand(files, path, parts, at + 1, found);
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

std::set<std::string> matches(const GuestFiles& files, const std::string& pattern) {
  std::set<std::string> found;
  expand(files, "", parts_of(pattern), 0, found);
  return found;
}

/// Of the machine itself, below `root`, with all that is mounted there.
class MachineFiles final : public GuestFiles {
 public:
  explicit MachineFiles(fs::path root) : root_(std::move(root)) {}

  std::optional<GuestFile> find(const std::string& path) const override {
    std::error_code error;
    const fs::path real = fs::canonical(root_ / fs::path(path).relative_path(), error);
    struct stat status {};
    if (error || ::lstat(real.c_str(), &status) != 0) return std::nullopt;
    const std::string below = real.lexically_relative(root_).string();
    if (below.starts_with("..")) return std::nullopt;
    return GuestFile{below == "." ? "" : below, status.st_mode, status.st_size};
  }

  std::vector<std::string> names(const std::string& path) const override {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root_ / path, error)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

 private:
  fs::path root_;
};

/// Whoever asked may be gone: all is done before the first word of it.
void clean_machine(const fs::path& root, const std::string& working_directory) {
  std::string report;
  bool is_on_disk = false;
  for (const CleanupItem& item : find_for_cleanup(MachineFiles(root), working_directory)) {
    // Whoever finds itself shut out may cut the power.
    if (item.round > 0 && !is_on_disk) ::sync();
    is_on_disk = item.round > 0;
    const fs::path place = root / item.path;
    std::error_code error;
    if (item.only_emptied) {
      if (::truncate(place.c_str(), 0) != 0) error.assign(errno, std::generic_category());
    } else {
      fs::remove_all(place, error);
    }
    const char* done = item.only_emptied ? "emptied" : "removed";
    if (error) done = "cannot remove";
    report += std::string(done) + "  /" + item.path + (error ? ": " + error.message() : "") + "\n";
  }
  std::fputs(report.c_str(), stdout);
}

}  // namespace

const std::vector<CleanupRule>& cleanup_rules() {
  static const std::vector<CleanupRule> rules{
      {"/etc/sudoers.d/90-cloud-init-users", false, cloud_init, 1},
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
      {"/etc/ssh/ssh_host_*_key", false, ssh, 2},
      {"/etc/ssh/ssh_host_*_key.pub", false, ssh},
      {"/root/.ssh/authorized_keys", false, ssh, 1},
      {"/home/*/.ssh/authorized_keys", false, ssh, 1},
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

std::vector<CleanupItem> find_for_cleanup(const GuestFiles& files,
                                          const std::string& working_directory) {
  const std::string work = working_directory.empty() ? "/tmp" : working_directory;
  std::vector<CleanupItem> items;
  for (const CleanupRule& rule : cleanup_rules()) {
    if (*rule.skip_file != '\0' && files.find(work + "/" + rule.skip_file)) continue;
    std::string pattern = rule.path;
    if (pattern.starts_with("{work}")) pattern = work + pattern.substr(6);
    for (const std::string& path : matches(files, pattern)) {
      if (rule.only_emptied) {
        const auto entry = files.find(path);
        const bool has_content =
            entry && entry->path == path && S_ISREG(entry->mode) && entry->size != 0;
        if (!has_content) continue;
      }
      items.push_back({path, rule.only_emptied, rule.round});
    }
  }
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    return std::tie(a.round, a.path) < std::tie(b.round, b.path);
  });
  return items;
}

void add_clean(CLI::App& app, CommandContext& context) {
  auto work = std::make_shared<std::string>();
  auto root = std::make_shared<std::string>("/");
  CLI::App* clean =
      app.add_subcommand("clean", "Remove from this machine what does not belong into an image");
  clean->add_option("--working-directory", *work, "Absolute folder of the skip files")
      ->default_str("/tmp");
  clean->add_option("--root", *root, "Another root than /")->group("");
  auto folder = std::make_shared<std::string>();
  clean->add_option("--discard", *folder, "Remove this folder of detached runs as well");
  clean->callback([work, root, folder, &context] {
    // In one command: without keys and sudo's rules there may be no other.
    if (!folder->empty()) discard_runs(*folder, context.stop);
    clean_machine(fs::canonical(*root), *work);
  });
}

}  // namespace toehold
