#include "runner/controller/virtual_machine.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/process_tree.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr int tries_for_a_port = 5;

/// One that nobody listens on now. Somebody may before QEMU does; then there is another try.
int free_port() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (!socket || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw Error::from_errno("no port on the loopback", errno);
  }
  return ntohs(address.sin_port);
}

}  // namespace

std::string qemu_value(const fs::path& path) {
  std::string text;
  for (const char c : path.string()) text += c == ',' ? ",," : std::string(1, c);
  return text;
}

std::vector<std::string> machine_words(const QemuOptions& options, const std::string& accelerator,
                                       const fs::path& disk, const std::string& disk_option) {
  const std::string usual_cpu = accelerator == "kvm" ? "host" : "Nehalem";
  return {qemu_system,
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-accel",
          accelerator,
          "-cpu",
          options.cpu.empty() ? usual_cpu : options.cpu,
          "-m",
          std::to_string(options.memory),
          "-smp",
          std::to_string(options.cpus),
          "-drive",
          "file=" + qemu_value(disk) + ",if=virtio,format=qcow2," + disk_option,
          "-device",
          "virtio-net-pci,netdev=net,romfile="};
}

VirtualMachine::VirtualMachine(fs::path folder, fs::path console, ProcessRunner& processes)
    : folder_(std::move(folder)), console_(std::move(console)), processes_(processes) {}

std::vector<std::string> VirtualMachine::words(const QemuOptions& options,
                                               const std::string& accelerator, int port) const {
  const MachineSeed seed(folder_);
  std::vector<std::string> words = machine_words(options, accelerator, disk(), "discard=unmap");
  words.insert(
      words.end(),
      {"-daemonize", "-sandbox", "on,obsolete=deny,resourcecontrol=deny", "-name", "toehold",
       "-drive", "file=" + qemu_value(seed.cloud_init) + ",if=virtio,format=raw,readonly=on",
       "-netdev",
       "user,id=net,hostfwd=tcp:127.0.0.1:" + std::to_string(port) + "-:22" +
           (options.offline ? ",restrict=on" : ""),
       "-device", "virtio-rng-pci", "-smbios", "type=11,path=" + qemu_value(seed.smbios),
       "-chardev", "file,id=console,append=on,path=" + qemu_value(console_), "-serial",
       "chardev:console"});
  return words;
}

void VirtualMachine::start(const QemuOptions& options, const std::string& accelerator,
                           std::stop_token stop) {
  std::string complaint;
  for (int tries = 0; tries < tries_for_a_port; ++tries) {
    const int port = free_port();
    const Command command{
        words(options, accelerator, port), "/", {{machine_mark, folder_.string()}}};
    complaint.clear();
    const ProcessResult result = processes_.run(
        command, [&](Stream, std::string_view bytes) { complaint.append(bytes.substr(0, 4096)); },
        [](int) {}, Deadline(std::chrono::steady_clock::now() + std::chrono::seconds(60)), stop);
    if (result.cancelled) throw Error(Error::Kind::cancelled, "interrupted");
    if (result.succeeded()) {
      write_file_atomically(folder_ / "port", std::to_string(port) + "\n");
      trust_host_key(MachineSeed(folder_), port);
      return;
    }
    complaint = describe(result) + ": " + std::string(trim(printable(complaint)));
    if (complaint.find("host forwarding rule") == std::string::npos) break;
  }
  throw Error(Error::Kind::process, std::string(qemu_system) + " does not start: " + complaint);
}

bool VirtualMachine::is_running() const {
  for (const ProcessEntry& entry : list_processes()) {
    std::string value;
    if (entry.alive() && has_environment(entry.pid, machine_mark, value) &&
        value == folder_.string()) {
      return true;
    }
  }
  return false;
}

int VirtualMachine::ssh_port() const {
  const std::string text(trim(read_file(folder_ / "port")));
  int port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

void VirtualMachine::cut_power() {
  cut_power_of(folder_);
}

std::string VirtualMachine::console() const {
  std::error_code error;
  return fs::exists(console_, error) ? read_file(console_, 64 << 20) : std::string();
}

void cut_power_of(const fs::path& folder) {
  kill_processes_with_environment(machine_mark, folder.string());
}

}  // namespace toehold
