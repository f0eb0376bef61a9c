// SshMachine: a machine that sshd runs on, with a folder of ours and the agent in it, through its
// reboots. Called by the instances of targets that are reached over SSH; what is theirs alone (the
// inventory, what becomes of the machine itself) stays with them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/controller/packages.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/remote_stage.hpp"
#include "runner/controller/transports/ssh.hpp"

namespace toehold {

/// What a program prints there, the first 4 KiB of it; Error(network, untrusted) as of Transport.
struct RemoteAnswer {
  ProcessResult result;
  std::string out, err;
};
RemoteAnswer ask(Transport& transport, const std::vector<std::string>& words, std::stop_token stop);

class SshMachine {
 public:
  /// Reaches nothing yet. `must_be_on`: as of RemoteOptions; may be empty. The references outlive
  /// it.
  SshMachine(const Recipe& recipe, const SshSettings& settings, bool for_test,
             const BuildContext& context, std::function<void()> must_be_on = {});

  SshTransport& transport() { return transport_; }
  /// Of this build alone, on the machine.
  const std::string& folder() const { return folder_; }
  RemoteStages& stages() { return stages_; }
  const RemoteStages& stages() const { return stages_; }

  bool has_agent();
  /// Error(unsupported) when we are not root there, or there is no agent for its architecture;
  /// has changed nothing then.
  AgentBinary find_agent();
  /// Puts the agent there; before the first stage it also looks which packages are installed.
  void install(const AgentBinary& agent);
  /// As of RemoteAgent.
  bool remove_agent() { return agent_.remove(); }
  int shell(const std::vector<std::string>& command);

  PackageList packages_before() const;
  PackageList packages_now();
  /// The one line that a program prints. Throws Error.
  std::string must_tell(const std::vector<std::string>& words, std::stop_token stop);

 private:
  void restart(std::stop_token stop);
  void wait_for_boot(const std::string& before, std::stop_token stop);
  std::string boot_id(std::stop_token stop);
  std::filesystem::path packages_file() const { return context_.directory / "packages.json"; }
  /// The boot before the reboot that is under way.
  std::filesystem::path boot_file() const;

  const BuildContext& context_;
  bool for_test_;
  std::string folder_;
  SshTransport transport_;
  std::function<void()> must_be_on_;
  RemoteAgent agent_;
  RemoteStages stages_;
};

}  // namespace toehold
