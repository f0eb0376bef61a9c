#include "runner/controller/ssh_instance.hpp"

#include <algorithm>
#include <charconv>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/agent_binary.hpp"
#include "runner/controller/remote_packages.hpp"
#include "runner/controller/ssh_password.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto boot_patience = 900s;

/// `[user@]host[:port]`, the host perhaps an IPv6 address in brackets.
SshAddress parse_address(std::string text) {
  SshAddress address;
  if (const std::size_t at = text.rfind('@'); at != std::string::npos) {
    address.user = text.substr(0, at);
    text.erase(0, at + 1);
  }
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string::npos;
  const std::size_t colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
  address.host = text.substr(0, colon);
  if (bracket != std::string::npos) address.host = text.substr(1, bracket - 1);
  if (colon != std::string::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), address.port);
  }
  return address;
}

struct Answer {
  ProcessResult result;
  std::string out, err;
};

/// What a program prints there, the beginning of it.
Answer ask(Transport& transport, const std::vector<std::string>& words, std::stop_token stop) {
  Answer answer;
  answer.result = transport.run(
      words,
      [&](Stream stream, std::string_view bytes) {
        std::string& text = stream == Stream::out ? answer.out : answer.err;
        if (text.size() < 4096) text += bytes;
      },
      Deadline(std::chrono::steady_clock::now() + 30s), stop);
  return answer;
}

/// The one line that it prints. Throws Error.
std::string must_tell(Transport& transport, const std::vector<std::string>& words,
                      std::stop_token stop) {
  const Answer answer = ask(transport, words, stop);
  if (answer.result.succeeded()) return std::string(trim(answer.out));
  if (answer.result.cancelled) throw Error(Error::Kind::cancelled, transport.name());
  throw Error(Error::Kind::network, transport.name() + ": " + join(words, " ") + ": " +
                                        describe(answer.result) + " " +
                                        std::string(trim(printable(answer.err))));
}

std::string boot_id(Transport& transport, std::stop_token stop) {
  return must_tell(transport, {"cat", "/proc/sys/kernel/random/boot_id"}, std::move(stop));
}

/// There is no image: the machine itself is what is left.
class MachineItself final : public Snapshot {
 public:
  MachineItself(PackageList before, PackageList after)
      : before_(std::move(before)), after_(std::move(after)) {}
  WrittenOutput write(const OutputSpec& output, const fs::path&, std::stop_token) override {
    throw Error(Error::Kind::unsupported, "target 'ssh' cannot write '" + output.type + "'");
  }
  bool is_image() const override { return false; }
  std::optional<PackageList> packages_before() const override { return before_; }
  std::optional<PackageList> packages_after() const override { return after_; }

 private:
  PackageList before_, after_;
};

}  // namespace

SshSettings ssh_settings(const SshOptions& options) {
  SshSettings settings;
  settings.address = {options.host, options.port, options.user};
  if (!options.jump.empty()) settings.jump = parse_address(options.jump);
  if (!options.identity_file.empty()) settings.identities = {options.identity_file};
  if (!options.known_hosts.empty()) settings.known_hosts = {options.known_hosts};
  settings.sudo = options.sudo;
  settings.password = read_password(options.password_from, settings.address.text());
  return settings;
}

std::string ssh_record_id(const SshOptions& options, const std::string& folder) {
  Value id = Value::object(
      {{"folder", folder}, {"host", options.host}, {"port", options.port}, {"user", options.user}});
  if (!options.identity_file.empty()) id.set("identityFile", options.identity_file);
  if (!options.known_hosts.empty()) id.set("knownHosts", options.known_hosts);
  if (!options.password_from.empty()) id.set("passwordFrom", options.password_from);
  if (!options.jump.empty()) id.set("jump", options.jump);
  if (options.sudo) id.set("sudo", true);
  return to_json(id);
}

SshPlace ssh_place(const std::string& record_id) {
  const Value id = parse_json(record_id);
  const auto text = [&](const char* key) {
    const Value* value = id.find(key);
    return value ? value->text() : std::string();
  };
  SshPlace place;
  place.folder = text("folder");
  place.options.host = text("host");
  place.options.port = static_cast<int>(Value(text("port")).as_int().value_or(22));
  place.options.user = text("user");
  place.options.identity_file = text("identityFile");
  place.options.known_hosts = text("knownHosts");
  place.options.password_from = text("passwordFrom");
  place.options.jump = text("jump");
  place.options.sudo = id.find("sudo") != nullptr;
  return place;
}

SshInstance::SshInstance(const Recipe& recipe, const SshSettings& settings, bool for_test,
                         const BuildContext& context)
    : context_(context),
      for_test_(for_test),
      folder_("/var/lib/toehold-" + context.build_id + (for_test ? "-test" : "")),
      transport_(settings),
      agent_(transport_, context.clock, folder_,
             {[this](std::stop_token stop) { restart(stop); }, 600s, working_directories(recipe),
              &context.command.actions}),
      stages_(agent_, context) {
  const std::string id = ssh_record_id(ssh_options(recipe), folder_);
  for (const InventoryRecord& record : context.inventory.remaining()) {
    if (record.id != id || record.state == "planned") continue;
    record_ = record.number;
    if (ask(transport_, {"test", "-x", agent_.agent_path()}, context.stop).result.succeeded()) {
      return;
    }
    throw Error(Error::Kind::io, folder_ + " is gone from " + transport_.name(),
                "forget it: toehold cleanup " + context.build_id);
  }
  install(id);
}

void SshInstance::install(const std::string& id) {
  const std::string machine = must_tell(transport_, {"uname", "-m"}, context_.stop);
  if (must_tell(transport_, {"id", "-u"}, context_.stop) != "0") {
    throw Error(Error::Kind::unsupported, transport_.name() + " is not root there",
                "log in as root, or let toehold use sudo: write\ntarget:\n  sudo: true");
  }
  const AgentBinary agent = find_agent_binary(machine);
  record_ = context_.inventory.plan_again(ssh_target, "folder", id).number;
  try {
    agent_.install(agent, context_.stop);
    if (!for_test_) {
      const PackageList packages =
          remote_packages(transport_, context_.directory, context_.processes, context_.stop);
      write_file_atomically(packages_file(), to_json(to_value(packages)));
    }
  } catch (...) {
    if (agent_.remove()) context_.inventory.set_state(record_, "removed");
    throw;
  }
  context_.inventory.set_state(record_, "created");
}

SshInstance::~SshInstance() {
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
  } else if (agent_.remove()) {
    context_.inventory.set_state(record_, "removed");
  } else {
    std::fprintf(stderr, "warning: %s of %s cannot be removed now; later: toehold cleanup %s\n",
                 folder_.c_str(), transport_.name().c_str(), context_.build_id.c_str());
  }
}

StageEnd SshInstance::run(const Stage& stage) {
  try {
    return stages_.run(stage);
  } catch (const Error& error) {
    using Kind = Error::Kind;
    const Kind kind = error.kind();
    kept_ = kind == Kind::network || kind == Kind::timeout || kind == Kind::unsupported;
    throw;
  }
}

int SshInstance::shell(const std::vector<std::string>& command) {
  return agent_.shell(for_test_ ? "test" : "build", command, context_.stop);
}

std::unique_ptr<Snapshot> SshInstance::snapshot() {
  return std::make_unique<MachineItself>(
      packages_from(parse_json(read_file(packages_file())), packages_file()),
      remote_packages(transport_, context_.directory, context_.processes, context_.stop));
}

fs::path SshInstance::boot_file() const {
  return context_.directory / (for_test_ ? "test-boot-id" : "boot-id");
}

void SshInstance::restart(std::stop_token stop) {
  const std::string now = boot_id(transport_, stop);
  std::error_code error;
  const bool asked_before = fs::exists(boot_file(), error);
  if (asked_before && trim(read_file(boot_file())) != now) {  // an earlier process, or a person
    fs::remove(boot_file(), error);
    return;
  }
  write_file_atomically(boot_file(), now + "\n");
  if (now == read_platform().boot_id) {
    throw Error(Error::Kind::unsupported,
                "a step wants a reboot, and " + transport_.name() + " is this machine",
                "reboot it, then go on: toehold resume " + context_.build_id);
  }
  std::fprintf(stderr, "rebooting %s\n", transport_.name().c_str());
  try {
    if (ask(transport_, {"systemctl", "reboot"}, stop).result.exit_code != 0) {
      ask(transport_, {"reboot"}, stop);
    }
  } catch (const Error& failure) {
    if (failure.kind() != Error::Kind::network) throw;  // it may be gone before it has answered
  }
  wait_for_boot(now, stop);
  fs::remove(boot_file(), error);
}

void SshInstance::wait_for_boot(const std::string& before, std::stop_token stop) {
  const Monotonic begun = context_.clock.monotonic();
  std::string reason = "it has not gone down";
  while (context_.clock.monotonic() - begun < boot_patience) {
    if (!context_.clock.sleep_for(2s, stop)) return;
    try {
      if (boot_id(transport_, stop) != before) return;
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::untrusted) throw;
      reason = error.full_message();
    }
  }
  throw Error(Error::Kind::timeout,
              transport_.name() + " has not come back from its reboot: " + reason,
              "look at its console; then go on: toehold resume " + context_.build_id);
}

}  // namespace toehold
