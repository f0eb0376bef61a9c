#include "runner/controller/machine_base.hpp"

#include <unistd.h>

#include <fstream>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/bootable_disk.hpp"
#include "runner/controller/sandbox_base.hpp"

namespace toehold {

namespace {

constexpr std::string_view mmdebstrap = "mmdebstrap:";
constexpr std::int64_t usual_size = 8;  // GiB; the file has only what is used of it

// A machine has to boot, to find its network, and to be reached.
constexpr const char* packages =
    "--include=linux-image-cloud-amd64,systemd-sysv,systemd-resolved,udev,dbus,iproute2,"
    "openssh-server,ca-certificates";

constexpr const char* network =
    "[Match]\n"
    "Name=en* eth*\n"
    "\n"
    "[Network]\n"
    "DHCP=yes\n";

// A machine that was given the key it is known by needs no other: one for RSA takes an emulated one
// seven seconds.
constexpr const char* host_keys =
    "[Unit]\n"
    "Description=Make SSH host keys\n"
    "ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key\n"
    "Before=ssh.service\n"
    "\n"
    "[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/usr/bin/ssh-keygen -A\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

void write_public_file(const fs::path& path, const std::string& text) {
  write_file_atomically(path, text);
  fs::permissions(path, fs::perms(0644));
}

/// Nothing in it belongs to one machine only: each makes its own on its first boot.
void finish_debian(const fs::path& root, ProcessRunner& processes, std::stop_token stop) {
  write_public_file(root / "etc/systemd/network/80-dhcp.network", network);
  write_public_file(root / "etc/systemd/system/ssh-host-keys.service", host_keys);
  run_or_fail({{"systemctl", "--root", root.string(), "enable", "--quiet",
                "systemd-networkd.service", "systemd-resolved.service", "ssh-host-keys.service"},
               "/",
               {}},
              processes, stop, "cannot prepare " + root.string());
  for (const auto& entry : fs::directory_iterator(root / "etc/ssh")) {
    if (entry.path().filename().string().starts_with("ssh_host_")) fs::remove(entry.path());
  }
  fs::remove(root / "etc/hostname");
  write_public_file(root / "etc/machine-id", "");
  fs::remove(root / "etc/resolv.conf");
  fs::create_symlink("../run/systemd/resolve/stub-resolv.conf", root / "etc/resolv.conf");
}

std::string size_name(std::int64_t gibibytes) {
  return "-" + std::to_string(gibibytes);
}

/// What we put into it is in its name: one that another version of us has made is not taken.
std::string debian_name(const std::string& suite, std::int64_t size) {
  const std::string ours = std::string(packages) + network + host_keys;
  return "machine-" + suite + size_name(size) + "-" +
         digest_of(DigestAlgorithm::sha256, ours).substr(0, 8);
}

MachineBase debian(const std::string& suite, std::int64_t size, ProcessRunner& processes,
                   const TellProgress& note, std::stop_token stop) {
  require_mmdebstrap(suite);
  const fs::path folder =
      made_once(debian_name(suite, size), note, stop, [&](const fs::path& place) {
        note("making a bootable Debian " + suite + " with mmdebstrap, once");
        const fs::path root = place / "root";
        run_mmdebstrap(suite, {packages}, root, processes, stop);
        finish_debian(root, processes, stop);
        make_bootable_disk(root, place / "disk.qcow2", size, processes, stop);
        fs::remove_all(root);
      });
  return {folder / "disk.qcow2", "qcow2"};
}

MachineBase made_of_root(const std::string& root, std::int64_t size, ProcessRunner& processes,
                         const TellProgress& note, std::stop_token stop) {
  const SandboxBase base = prepare_base(root, processes, note, stop);
  const std::string key = digest_of(DigestAlgorithm::sha256, base.key).substr(0, 32);
  const fs::path folder =
      made_once("disk-" + key + size_name(size), note, stop, [&](const fs::path& place) {
        note("making a disk of " + root);
        make_bootable_disk(base.folder, place / "disk.qcow2", size, processes, stop);
      });
  return {folder / "disk.qcow2", "qcow2"};
}

}  // namespace

std::string disk_format(const fs::path& file) {
  const std::string extension = lower(file.extension().string());
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error::from_errno("cannot read " + file.string(), errno);
  if (extension == ".raw" || extension == ".img") return "raw";
  char magic[4] = {};
  in.read(magic, sizeof magic);
  return std::string_view(magic, sizeof magic) == "QFI\xfb" ? "qcow2" : "";
}

std::string format_of_base(const std::string& base) {
  std::error_code error;
  if (base.starts_with(mmdebstrap) || fs::is_directory(base, error)) return {};
  return disk_format(base);
}

std::string why_no_machine_base(const std::string& base) {
  if (!base.starts_with('/')) return {};
  std::error_code error;
  if (!fs::exists(base, error)) return base + " is not there to boot from";
  if (fs::is_directory(base, error)) return {};
  try {
    const bool is_named_qcow2 = lower(fs::path(base).extension().string()) == ".qcow2";
    const bool is_disk = !disk_format(base).empty();
    return is_named_qcow2 && !is_disk ? base + " is no qcow2 image" : std::string();
  } catch (const Error& unreadable) {
    return unreadable.full_message();
  }
}

void check_machine_base(const QemuOptions& options) {
  if (!format_of_base(options.base).empty()) return;
  if (options.base.starts_with(mmdebstrap)) {
    require_mmdebstrap(options.base.substr(mmdebstrap.size()));
  }
  const std::string missing = missing_for_bootable_disk();
  if (missing.empty()) return;
  throw Error(Error::Kind::unsupported, "a disk of " + options.base + " cannot be made here",
              "apt-get install " + missing);
}

MachineBase prepare_machine_base(const QemuOptions& options, ProcessRunner& processes,
                                 const TellProgress& note, std::stop_token stop) {
  const std::string format = format_of_base(options.base);
  if (!format.empty()) return {options.base, format};
  const std::int64_t size = options.disk_size > 0 ? options.disk_size : usual_size;
  if (options.base.starts_with(mmdebstrap)) {
    return debian(options.base.substr(mmdebstrap.size()), size, processes, note, stop);
  }
  return made_of_root(options.base, size, processes, note, stop);
}

}  // namespace toehold
