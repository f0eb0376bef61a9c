#include "runner/base/sandbox_root.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/host_parts.hpp"
#include "runner/base/overlay_mount.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"

namespace toehold {

namespace {

[[noreturn]] void fail(const std::string& what, std::string hint = {}) {
  throw Error::from_errno(what, errno, std::move(hint));
}

void mount_or_fail(const char* source, const std::string& target, const char* type,
                   unsigned long flags, const std::string& data = {}) {
  if (::mount(source, target.c_str(), type, flags, data.empty() ? nullptr : data.c_str()) == 0) {
    return;
  }
  fail("cannot mount " + std::string(type ? type : source) + " at " + target);
}

void make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) fail("cannot make " + path);
  ::chmod(path.c_str(), mode);
}

/// The file system that layers and base make; `parts`: of a root that can only be had so.
std::string mount_merged(const SandboxRoot& root, const std::optional<HostParts>& parts) {
  mount_or_fail("toehold", root.mount_point, "tmpfs", MS_NODEV | MS_NOSUID, "mode=700,size=64m");
  const std::string& staging = root.mount_point;
  const std::string merged = staging + "/root";
  make_folder(merged, 0755);
  if (parts) {
    mount_host_parts(*parts, root, staging, merged);
    return merged;
  }
  const std::string lowest = root.base == "/" ? mount_stand_in("/", staging) : root.base;
  mount_overlay({root.layers, lowest, root.upper, root.work, merged}, staging);
  return merged;
}

// As in linux/mount.h, which does not go together with sys/mount.h everywhere.
constexpr std::uint64_t read_only = 1, no_setuid = 2, no_devices = 4;

/// With all that is mounted below it; false where the kernel (before 5.12) cannot.
bool restrict_mounts(const std::string& place, std::uint64_t attributes) {
  struct {
    std::uint64_t set, clear, propagation, userns;
  } wanted{attributes, 0, 0, 0};
  constexpr unsigned recursive = 0x8000;  // AT_RECURSIVE
  return ::syscall(SYS_mount_setattr, -1, place.c_str(), recursive, &wanted, sizeof wanted) == 0;
}

void bind_mount(const std::string& from, const std::string& to, std::uint64_t attributes = 0) {
  mount_or_fail(from.c_str(), to, nullptr, MS_BIND | MS_REC);
  if (attributes == 0 || restrict_mounts(to, attributes)) return;
  // Each of them is the mount flag of the same number.
  if (::mount(nullptr, to.c_str(), nullptr, MS_BIND | MS_REMOUNT | attributes, nullptr) != 0) {
    fail("cannot protect " + to);
  }
}

void make_devices(const std::string& merged) {
  const std::string dev = merged + "/dev";
  mount_or_fail("dev", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k");
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    const std::string node = dev + "/" + name;
    const FileDescriptor file(::open(node.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    if (!file) fail("cannot make " + node);
    bind_mount(std::string("/dev/") + name, node);
  }
  make_folder(dev + "/pts", 0755);
  make_folder(dev + "/shm", 01777);
  mount_or_fail("shm", dev + "/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  mount_or_fail("devpts", dev + "/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666,mode=620");
  constexpr std::array<std::array<const char*, 2>, 5> links{{{"/proc/self/fd", "fd"},
                                                             {"/proc/self/fd/0", "stdin"},
                                                             {"/proc/self/fd/1", "stdout"},
                                                             {"/proc/self/fd/2", "stderr"},
                                                             {"pts/ptmx", "ptmx"}}};
  for (const auto& [target, name] : links) {
    if (::symlink(target, (dev + "/" + name).c_str()) != 0)
      fail(std::string("cannot link ") + name);
  }
}

/// The kernel's switches are for reading only, as in a container.
void make_kernel_views(const std::string& merged) {
  const std::string proc = merged + "/proc";
  mount_or_fail("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  for (const char* name : {"/sys", "/sysrq-trigger", "/irq", "/bus", "/fs"}) {
    if (::access((proc + name).c_str(), F_OK) == 0) bind_mount(proc + name, proc + name, read_only);
  }
  for (const char* name : {"/kcore", "/keys", "/timer_list"}) {
    if (::access((proc + name).c_str(), F_OK) == 0) bind_mount("/dev/null", proc + name);
  }
  bind_mount("/sys", merged + "/sys");
  // Recursively: control groups and the like are mounts of their own below it.
  if (!restrict_mounts(merged + "/sys", read_only)) {
    ::umount2((merged + "/sys").c_str(),
              MNT_DETACH);  // an old kernel: better none than a writable one
  }
}

/// Name servers of this machine, without a change to a layer where that can be had.
void provide_name_servers(const std::string& merged) {
  std::string text;
  try {
    text = read_file("/etc/resolv.conf", 64u << 10);
  } catch (const Error&) {
    return;
  }
  const std::string copy = merged + "/run/toehold-resolv.conf";
  const FileDescriptor file(::open(copy.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (!file) return;
  write_all(file.get(), text, copy);
  ::fchmod(file.get(), 0644);
  const std::string place = merged + "/etc/resolv.conf";
  struct stat status {};
  if (::lstat(place.c_str(), &status) != 0) return;
  if (S_ISREG(status.st_mode)) {
    bind_mount(copy, place, read_only);
    return;
  }
  std::array<char, 4096> target{};
  const ssize_t length = ::readlink(place.c_str(), target.data(), target.size() - 1);
  std::string inside(target.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  if (!inside.starts_with('/')) inside = "/etc/" + inside;
  const std::string real = std::filesystem::path(inside).lexically_normal().string();
  if (!real.starts_with("/run/")) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(merged + real).parent_path(), ignored);
  std::filesystem::permissions(std::filesystem::path(merged + real).parent_path(),
                               std::filesystem::perms(0755), ignored);
  (void)!::link(copy.c_str(), (merged + real).c_str());
}

void make_binds(const SandboxRoot& root, const std::string& merged) {
  for (const std::string& spec : root.binds) {
    std::vector<std::string> parts = split(spec, ':');
    const bool for_reading = parts.size() == 3 && parts[2] == "ro";
    if (parts.size() < 2 || parts[0].empty() || !parts[1].starts_with('/')) {
      throw Error(Error::Kind::usage, "'" + spec + "' is no bind", "write FROM:TO or FROM:TO:ro");
    }
    const std::string to = merged + std::filesystem::path(parts[1]).lexically_normal().string();
    std::error_code error;
    std::filesystem::create_directories(to, error);
    bind_mount(parts[0], to, (for_reading ? read_only : 0) | no_setuid | no_devices);
  }
}

void become_root(const std::string& merged) {
  if (::chdir(merged.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    fail("cannot make " + merged + " the root");
  }
}

/// What a container's root may do, too: not modules, clocks, devices, mounts, other machines'
/// state.
void drop_capabilities() {
  constexpr std::array kept{CAP_CHOWN,      CAP_DAC_OVERRIDE, CAP_FOWNER,  CAP_FSETID,
                            CAP_KILL,       CAP_SETGID,       CAP_SETUID,  CAP_SETPCAP,
                            CAP_SETFCAP,    CAP_MKNOD,        CAP_NET_RAW, CAP_NET_BIND_SERVICE,
                            CAP_SYS_CHROOT, CAP_AUDIT_WRITE};
  std::uint64_t mask = 0;
  for (const int capability : kept) mask |= 1ULL << capability;
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if ((mask >> capability & 1) == 0) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) fail("cannot read capabilities");
  for (std::size_t half = 0; half < 2; ++half) {
    const auto part = static_cast<std::uint32_t>(mask >> (32 * half));
    data[half].effective &= part;
    data[half].permitted &= part;
    data[half].inheritable = 0;
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (::syscall(SYS_capset, &header, data.data()) != 0) fail("cannot drop capabilities");
}

void bring_loopback_up() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return;
  request.ifr_flags |= IFF_UP;
  ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

pid_t child_inside = 0;
void pass_on(int signal) {
  if (child_inside > 0) ::kill(child_inside, signal);
}

}  // namespace

const Fields<SandboxRoot>& sandbox_root_fields() {
  static const Fields<SandboxRoot> fields =
      Fields<SandboxRoot>{}
          .required("base", &SandboxRoot::base, "The folder below all layers.")
          .optional("layers", &SandboxRoot::layers, "Upper folders, the newest first.")
          .optional("upper", &SandboxRoot::upper, "Where changes go.")
          .optional("work", &SandboxRoot::work, "Work folder of overlayfs.")
          .required("mountPoint", &SandboxRoot::mount_point, "An empty folder.")
          .optional("binds", &SandboxRoot::binds, "FROM:TO[:ro]")
          .optional("offline", &SandboxRoot::offline, "No network.");
  return fields;
}

int enter_sandbox(const SandboxRoot& root, bool& inside) {
  std::optional<HostParts> parts;
  if (root.base == "/" && in_user_namespace()) parts = plan_host_parts(root);
  // The first process in there turns the root of this one, too.
  const FileDescriptor upper(parts && !root.upper.empty()
                                 ? ::open(root.upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                 : -1);
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
  if (root.offline) kinds |= CLONE_NEWNET;
  if (::unshare(kinds) != 0) fail("cannot make namespaces for the sandbox");
  const pid_t child = ::fork();
  if (child < 0) fail("cannot start the sandbox's first process");
  if (child > 0) {
    child_inside = child;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, pass_on);
    const int end = wait_for(child);
    if (upper) remove_unused_folders(*parts, upper.get());
    return end;
  }
  inside = true;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  mount_or_fail("none", "/", nullptr, MS_REC | MS_PRIVATE);
  const std::string merged = mount_merged(root, parts);
  for (const char* name : {"/proc", "/sys", "/dev", "/run"}) {
    if (::access((merged + name).c_str(), F_OK) != 0) make_folder(merged + name, 0755);
  }
  mount_or_fail("run", merged + "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
  make_folder(merged + "/run/lock", 01777);
  make_devices(merged);
  make_kernel_views(merged);
  if (!root.offline) provide_name_servers(merged);
  make_binds(root, merged);
  if (root.offline) bring_loopback_up();
  become_root(merged);
  (void)!::setgroups(0, nullptr);  // refused where there is one user only
  drop_capabilities();
  return 0;
}

}  // namespace toehold
