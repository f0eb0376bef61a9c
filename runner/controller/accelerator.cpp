#include "runner/controller/virtual_machine.hpp"

#include <unistd.h>

#include "runner/agent/run_directory.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/platform.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 30s;
constexpr std::uintmax_t capture_header = 24;  // bytes; of the pcap format

fs::path verdict_file() {
  return state_base() / "cache" / "accelerator.json";
}

std::optional<std::string> known_verdict() {
  try {
    const Value known = parse_json(read_file(verdict_file()));
    const Value* boot = known.find("bootId");
    const Value* accelerator = known.find("accelerator");
    if (boot && accelerator && boot->text() == read_platform().boot_id) return accelerator->text();
  } catch (const Error&) {
    // None yet.
  }
  return std::nullopt;
}

/// A kernel that has set up its network sends something at once; one that hangs does not, whatever
/// firmware and boot loader have done before it.
bool boots_with_kvm(const QemuOptions& options, const KvmTrial& trial, ProcessRunner& processes,
                    Clock& clock, std::stop_token stop) {
  const TempDirectory folder(trial.scratch, "kvm-");
  const fs::path capture = folder.path() / "packets";
  std::vector<std::string> words = machine_words(options, "kvm", trial.disk, "snapshot=on");
  words.insert(words.end(), {"-netdev", "user,id=net,restrict=on", "-object",
                             "filter-dump,id=dump,netdev=net,file=" + qemu_value(capture)});
  const Command command{
      words, "/", {{"TMPDIR", folder.path().string()}, {machine_mark, trial.scratch.string()}}};
  const Monotonic begun = clock.monotonic();
  std::stop_source enough;
  const std::stop_callback interrupted(stop, [&] { enough.request_stop(); });
  bool alive = false;
  processes.run(
      command,
      [&](Stream, std::string_view) {
        std::error_code error;
        const std::uintmax_t size = fs::file_size(capture, error);
        if (error || size <= capture_header) return;
        alive = true;
        enough.request_stop();
      },
      [](int) {}, Deadline(begun + patience), enough.get_token());
  if (stop.stop_requested()) throw Error(Error::Kind::cancelled, "interrupted");
  return alive;
}

}  // namespace

std::string choose_accelerator(const QemuOptions& options, const KvmTrial& trial,
                               ProcessRunner& processes, Clock& clock,
                               const std::function<void(const std::string&)>& note,
                               std::stop_token stop) {
  if (options.accelerator != "auto") return options.accelerator;
  if (::access(trial.device.c_str(), R_OK | W_OK) != 0) return "tcg";
  if (const auto known = known_verdict()) return *known;
  note("trying KVM, for at most " + std::to_string(patience / 1s) + " s");
  const bool boots = boots_with_kvm(options, trial, processes, clock, stop);
  if (!boots) note("KVM boots nothing on this machine: its CPUs are emulated, which is slow");
  const std::string verdict = boots ? "kvm" : "tcg";
  make_private_directory(verdict_file().parent_path());
  write_file_atomically(
      verdict_file(),
      to_json(Value::object({{"bootId", read_platform().boot_id}, {"accelerator", verdict}})) +
          "\n");
  return verdict;
}

}  // namespace toehold
