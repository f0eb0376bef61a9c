#include "runner/controller/ssh_instance.hpp"

#include <algorithm>
#include <charconv>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/ssh_password.hpp"

namespace toehold {

namespace {

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
    : context_(context), transport_(settings), machine_(recipe, transport_, for_test, context) {
  const std::string& folder = machine_.folder();
  const std::string id = ssh_record_id(ssh_options(recipe), folder);
  for (const InventoryRecord& record : context.inventory.remaining()) {
    if (record.id != id || record.state == "planned") continue;
    record_ = record.number;
    if (machine_.has_agent()) return;
    throw Error(Error::Kind::io, folder + " is gone from " + transport_.name(),
                "forget it: toehold cleanup " + context.build_id);
  }
  install(id);
}

void SshInstance::install(const std::string& id) {
  const AgentBinary agent = machine_.find_agent();
  record_ = context_.inventory.plan_again(ssh_target, "folder", id).number;
  try {
    machine_.install(agent);
  } catch (...) {
    if (machine_.remove_agent()) context_.inventory.set_state(record_, "removed");
    throw;
  }
  context_.inventory.set_state(record_, "created");
}

SshInstance::~SshInstance() {
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
  } else if (machine_.remove_agent()) {
    context_.inventory.set_state(record_, "removed");
  } else {
    std::fprintf(stderr, "warning: %s of %s cannot be removed now; later: toehold cleanup %s\n",
                 machine_.folder().c_str(), transport_.name().c_str(), context_.build_id.c_str());
  }
}

StageEnd SshInstance::run(const Stage& stage) {
  try {
    return machine_.stages().run(stage);
  } catch (const Error& error) {
    using Kind = Error::Kind;
    const Kind kind = error.kind();
    kept_ = kind == Kind::network || kind == Kind::timeout || kind == Kind::unsupported;
    throw;
  }
}

std::unique_ptr<Snapshot> SshInstance::snapshot() {
  return std::make_unique<MachineItself>(machine_.packages_before(), machine_.packages_now());
}

}  // namespace toehold
