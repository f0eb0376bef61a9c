#include "runner/controller/qemu_instance.hpp"

#include <cstdio>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/agent_binary.hpp"
#include "runner/controller/console_end.hpp"
#include "runner/controller/rootless_disk.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto shut_down_patience = 180s;
constexpr int enough_refusals = 8;

void say(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

bool remove_folder(const fs::path& folder) {
  cut_power_of(folder);
  std::error_code error;
  fs::remove_all(folder, error);
  return !error;
}

}  // namespace

bool remove_qemu_record(const InventoryRecord& record) {
  if (record.kind == "machine") return remove_folder(record.id);
  std::error_code error;
  fs::remove(record.id, error);
  return !error;
}

QemuInstance::QemuInstance(const Recipe& recipe, const QemuSnapshot* from, bool for_test,
                           const BuildContext& context)
    : recipe_(recipe),
      context_(context),
      options_(qemu_options(recipe)),
      for_test_(for_test),
      folder_(context.directory / (for_test ? "machine-test" : "machine")),
      machine_(folder_,
               context.directory / "logs" / (for_test ? "serial-test.log" : "serial-build.log"),
               context.processes) {
  const InventoryRecord record =
      context.inventory.plan_again(qemu_target, "machine", folder_.string());
  record_ = record.number;
  for (const InventoryRecord& other : context.inventory.remaining()) {
    // It comes by one rename, which may be all that an earlier process came to.
    if (other.id == snapshot_disk().string() && fs::exists(snapshot_disk())) {
      context.inventory.set_state(other.number, "created");
      disk_record_ = other.number;
    }
  }
  if (record.state == "planned") {
    try {
      create(from);
    } catch (...) {
      if (remove_folder(folder_)) context_.inventory.set_state(record_, "removed");
      throw;
    }
    context_.inventory.set_state(record_, "created");
    return;
  }
  if (!for_test_ && disk_record_) {  // it has done its part: there is nothing to boot
    make_guest();
    return;
  }
  const bool may_be_cleaned = machine_.is_running() && !for_test_ && fs::exists(cleaning_note());
  if (!machine_.is_running()) boot();
  make_guest();
  if (may_be_cleaned && !lets_us_in()) {
    // The keys went when all else was on the disk, and the next boot has the seed's again.
    machine_.cut_power();
    boot();
    make_guest();
  }
  wait_until_reachable();
}

/// False when its sshd is there and does so no more.
bool QemuInstance::lets_us_in() {
  for (int refusals = 0; refusals < enough_refusals; ++refusals) {
    try {
      transport_->connect(context_.stop);
      return true;
    } catch (const Error&) {
      if (!context_.clock.sleep_for(500ms, context_.stop)) return true;
    }
  }
  return false;
}

void QemuInstance::create(const QemuSnapshot* from) {
  begin_stage_anew(context_, for_test_);
  remove_folder(folder_);  // what an earlier process has begun
  make_private_directory(folder_);
  make_private_directory(context_.directory / "logs");
  const AgentBinary agent = find_agent_binary("x86_64");
  const MachineBase base =
      from ? MachineBase{from->disk(), "qcow2"}
           : prepare_base_for_user(options_, context_.processes, say, context_.stop);
  make_overlay_disk(base.disk, base.format, from ? 0 : options_.disk_size, machine_.disk(),
                    context_.processes, context_.stop);
  make_machine_seed(folder_, "toehold-" + context_.build_id + (for_test_ ? "-test" : ""),
                    context_.processes, context_.stop);
  boot();
  make_guest();
  wait_until_reachable();
  guest_->install(agent);
}

void QemuInstance::boot() {
  const std::string accelerator = choose_accelerator(
      options_, {machine_.disk(), folder_}, context_.processes, context_.clock, say, context_.stop);
  say("booting a machine with " + accelerator + (for_test_ ? ", from the snapshot" : ""));
  machine_.start(options_, accelerator, context_.stop);
}

void QemuInstance::make_guest() {
  const MachineSeed seed(folder_);
  SshSettings settings;
  settings.address = {"127.0.0.1", machine_.ssh_port(), "root"};
  settings.identities = {seed.identity};
  settings.known_hosts = {seed.known_hosts};
  settings.connect_timeout = 10s;
  transport_ = std::make_unique<SshTransport>(settings);
  guest_ = std::make_unique<RemoteMachine>(recipe_, *transport_, for_test_, context_,
                                           [this] { must_be_on(); });
}

void QemuInstance::must_be_on() const {
  if (machine_.is_running()) return;
  throw Error(Error::Kind::process, "the machine is off" + console_end(machine_.console()),
              "switch it on and go on: toehold resume " + context_.build_id);
}

void QemuInstance::wait_until_reachable() {
  const Monotonic begun = context_.clock.monotonic();
  for (;;) {
    std::string reason;
    try {
      transport_->connect(context_.stop);
      return;
    } catch (const Error& error) {
      // Until the seed is read, the machine may have another host key, or none of our login.
      reason = error.full_message();
    }
    must_be_on();
    if (context_.clock.monotonic() - begun > std::chrono::seconds(options_.boot_timeout)) {
      throw Error(Error::Kind::timeout,
                  "the machine cannot be reached over SSH within " +
                      std::to_string(options_.boot_timeout) + " s: " + reason +
                      console_end(machine_.console()),
                  "does it run sshd, and cloud-init or systemd 252 or later, which let us in? "
                  "`bootTimeout` of the target gives it more time");
    }
    if (!context_.clock.sleep_for(500ms, context_.stop)) {
      throw Error(Error::Kind::cancelled, "interrupted");
    }
  }
}

QemuInstance::~QemuInstance() {
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
  } else if (remove_folder(folder_)) {
    context_.inventory.set_state(record_, "removed");
  }
}

StageEnd QemuInstance::run(const Stage& stage) {
  try {
    return guest_->stages().run(stage);
  } catch (const Error& error) {
    kept_ = error.kind() != Error::Kind::cancelled;
    throw;
  }
}

void QemuInstance::clean_up() {
  // An earlier process has begun with it, and is done again with all of it.
  if (fs::exists(cleaning_note()) && !guest_->has_agent()) guest_->restore(guest_->find_agent());
  write_file_atomically(cleaning_note(), "");
  if (options_.cleanup != "never") return say(guest_->clean(recipe_.working_directory));
  guest_->remove_agent();
}

void QemuInstance::shut_down() {
  try {
    if (ask(guest_->transport(), {"systemctl", "poweroff"}, context_.stop).result.exit_code != 0) {
      ask(guest_->transport(), {"poweroff"}, context_.stop);
    }
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::network) throw;  // it may be gone before it has answered
  }
  const Monotonic begun = context_.clock.monotonic();
  while (machine_.is_running()) {
    if (context_.clock.monotonic() - begun > shut_down_patience) {
      throw Error(Error::Kind::timeout,
                  "the machine does not shut down" + console_end(machine_.console()),
                  "does a program of a step hold it up? Keep it with --on-failure=keep, and look");
    }
    if (!context_.clock.sleep_for(100ms, context_.stop)) {
      throw Error(Error::Kind::cancelled, "interrupted");
    }
  }
}

std::unique_ptr<Snapshot> QemuInstance::snapshot_of(std::int64_t record) const {
  return std::make_unique<QemuSnapshot>(
      recipe_, context_, record, snapshot_disk(), guest_->packages_before(),
      packages_from(parse_json(read_file(packages_file())), packages_file()));
}

std::unique_ptr<Snapshot> QemuInstance::snapshot() {
  if (disk_record_) return snapshot_of(*disk_record_);
  write_file_atomically(packages_file(), to_json(to_value(guest_->packages_now())));
  clean_up();
  shut_down();
  const std::string disk = machine_.disk().string();
  run_or_fail({{"qemu-img", "check", "-q", "-f", "qcow2", disk}, "/", {}}, context_.processes,
              context_.stop, "the disk of the machine is damaged");
  const std::int64_t record =
      context_.inventory.plan_again(qemu_target, "disk", snapshot_disk().string()).number;
  std::error_code error;
  fs::rename(disk, snapshot_disk(), error);
  if (error) throw Error(Error::Kind::io, "cannot move " + disk + ": " + error.message());
  context_.inventory.set_state(record, "created");
  disk_record_ = record;
  return snapshot_of(record);
}

}  // namespace toehold
