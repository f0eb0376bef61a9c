#include "runner/controller/bootable_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/base_cache.hpp"

namespace toehold {

namespace {

constexpr std::int64_t partition_start = 1 << 20;  // bytes; GRUB has its place before it
constexpr std::size_t sector = 512;
constexpr std::size_t boot_code = 440;  // of the first sector; then come the disk's own tables
const fs::path grub_modules = "/usr/lib/grub/i386-pc";

/// e2fsprogs is in /sbin, which an ordinary user's PATH may lack.
std::string program(const std::string& name) {
  if (const auto found = find_in_path(name)) return *found;
  return "/usr/sbin/" + name;
}

struct Kernel {
  std::string image, initrd;  // absolute, in the root
};

/// Debian's links follow its upgrades; elsewhere the newest by name.
Kernel find_kernel(const fs::path& root) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(root / "vmlinuz", error)) &&
      fs::exists(fs::symlink_status(root / "initrd.img", error))) {
    return {"/vmlinuz", "/initrd.img"};
  }
  std::string version;
  for (const auto& entry : fs::directory_iterator(root / "boot", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("vmlinuz-") && name.substr(8) > version) version = name.substr(8);
  }
  for (const std::string& initrd :
       {"/boot/initrd.img-" + version, "/boot/initramfs-" + version + ".img"}) {
    if (!version.empty() && fs::exists(root / initrd.substr(1), error)) {
      return {"/boot/vmlinuz-" + version, initrd};
    }
  }
  throw Error(Error::Kind::usage, root.string() + " has no kernel with an initrd in /boot",
              "install one there, linux-image-amd64 for example");
}

std::string random_uuid() {
  return std::string(trim(read_file("/proc/sys/kernel/random/uuid")));
}

std::string grub_config(const Kernel& kernel, const std::string& uuid) {
  return "set timeout=0\nsearch --no-floppy --fs-uuid --set=root " + uuid +
         "\nmenuentry Linux {\n" + "  linux " + kernel.image + " root=UUID=" + uuid +
         " rw console=tty0 console=ttyS0\n" + "  initrd " + kernel.initrd + "\n}\n";
}

/// The partition table of the BIOS: one entry, bootable, of type Linux, counted in sectors only.
/// Source: the layout of the master boot record, bytes 446 to 511.
std::string partition_table(std::int64_t bytes) {
  std::string table(72, '\0');
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) table[at + i] = static_cast<char>(value >> (8 * i));
  };
  constexpr std::size_t entry = 446 - boot_code;
  table[entry] = '\x80';
  for (const std::size_t chs : {entry + 1, entry + 5}) table.replace(chs, 3, "\xfe\xff\xff");
  table[entry + 4] = '\x83';
  put(entry + 8, partition_start / sector);
  put(entry + 12, static_cast<std::uint32_t>((bytes - partition_start) / sector));
  table.replace(70, 2, "\x55\xaa");
  return table;
}

class DiskMaker {
 public:
  DiskMaker(const fs::path& root, const fs::path& scratch, ProcessRunner& processes,
            std::stop_token stop)
      : root_(root), scratch_(scratch), processes_(processes), stop_(std::move(stop)) {}

  fs::path make(std::int64_t bytes) {
    const Kernel kernel = find_kernel(root_);
    make_file_system(bytes);
    add_files(kernel);
    add_grub(bytes);
    return raw();
  }

 private:
  fs::path raw() const { return scratch_ / "disk.raw"; }

  void run(std::vector<std::string> words, const std::string& what) {
    run_or_fail({std::move(words), scratch_.string(), {}}, processes_, stop_, what);
  }

  void make_file_system(std::int64_t bytes) {
    const FileDescriptor file(::open(raw().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!file || ::ftruncate(file.get(), bytes) != 0) {
      throw Error::from_errno("cannot make " + raw().string(), errno);
    }
    run({program("mke2fs"), "-q", "-t", "ext4", "-U", uuid_, "-E",
         "offset=" + std::to_string(partition_start), "-d", root_.string(), raw().string(),
         std::to_string((bytes - partition_start) / 1024) + "k"},
        "cannot make a file system of " + root_.string());
  }

  /// Into the new file system, so that the root stays as it is.
  void add_files(const Kernel& kernel) {
    write_file_atomically(scratch_ / "grub.cfg", grub_config(kernel, uuid_));
    write_file_atomically(scratch_ / "fstab", "UUID=" + uuid_ + " / ext4 errors=remount-ro 0 1\n");
    write_file_atomically(scratch_ / "commands",
                          "mkdir /boot/grub\nrm /boot/grub/grub.cfg\n"
                          "write grub.cfg /boot/grub/grub.cfg\nrm /etc/fstab\n"
                          "write fstab /etc/fstab\nsif /etc/fstab mode 0100644\n");
    // Its exit code says nothing of the commands; a disk that does not boot does.
    run({program("debugfs"), "-w", "-f", "commands",
         raw().string() + "?offset=" + std::to_string(partition_start)},
        "cannot write into the new file system");
  }

  /// The first sector loads what follows it, which finds the rest in the file system.
  void add_grub(std::int64_t bytes) {
    write_file_atomically(scratch_ / "early.cfg",
                          "search --no-floppy --fs-uuid --set=root " + uuid_ +
                              "\nset prefix=($root)/boot/grub\nconfigfile /boot/grub/grub.cfg\n");
    run({"grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub", "-c", "early.cfg", "-o", "core.img",
         "biosdisk", "part_msdos", "ext2", "search", "search_fs_uuid", "configfile", "normal",
         "linux"},
        "cannot make the boot loader");
    const std::string core = read_file(scratch_ / "core.img");
    if (static_cast<std::int64_t>(core.size() + sector) > partition_start) {
      throw Error(Error::Kind::process, "the boot loader is too large");
    }
    const FileDescriptor file(::open(raw().c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) throw Error::from_errno("cannot open " + raw().string(), errno);
    write_all(file.get(), read_file(grub_modules / "boot.img").substr(0, boot_code),
              raw().string());
    write_all(file.get(), partition_table(bytes), raw().string());
    write_all(file.get(), core, raw().string());
  }

  const fs::path& root_;
  const fs::path& scratch_;
  ProcessRunner& processes_;
  std::stop_token stop_;
  const std::string uuid_ = random_uuid();
};

}  // namespace

std::string missing_for_bootable_disk() {
  std::error_code error;
  std::vector<std::string> missing;
  if (!fs::exists(program("mke2fs"), error)) missing.emplace_back("e2fsprogs");
  if (!find_in_path("grub-mkimage")) missing.emplace_back("grub-common");
  if (!fs::exists(grub_modules / "boot.img", error)) missing.emplace_back("grub-pc-bin");
  return join(missing, " ");
}

void make_bootable_disk(const fs::path& root, const fs::path& disk, std::int64_t gibibytes,
                        ProcessRunner& processes, std::stop_token stop) {
  const TempDirectory scratch(disk.parent_path(), "disk-");
  const fs::path raw =
      DiskMaker(root, scratch.path(), processes, stop).make(gibibytes * (std::int64_t{1} << 30));
  run_or_fail(
      {{"qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw.string(), disk.string()},
       "/",
       {}},
      processes, stop, "cannot write " + disk.string());
}

}  // namespace toehold
