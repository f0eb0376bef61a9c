// RemoteMachine: a machine with a folder of ours and the agent in it, through its reboots. Called
// by the instances of targets that are machines of their own, however they are reached; what is
// theirs alone (the inventory, what becomes of the machine itself) stays with them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/controller/packages.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/remote_stage.hpp"
#include "runner/controller/transports/transport.hpp"

namespace toehold {

/// What a program prints there, the first 4 KiB of it; Error(network, untrusted) as of Transport.
struct RemoteAnswer {
  ProcessResult result;
  std::string out, err;
};
RemoteAnswer ask(Transport& transport, const std::vector<std::string>& words, std::stop_token stop);

class RemoteMachine {
 public:
  /// Reaches nothing yet. `must_be_on` and `is_spot`: as of RemoteOptions; the first may be empty.
  /// The references outlive it.
  RemoteMachine(const Recipe& recipe, Transport& transport, bool for_test,
                const BuildContext& context, std::function<void()> must_be_on = {},
                bool is_spot = false);

  /// Where the folder of ours is on the machine of a build.
  static std::string folder_for(const BuildContext& context, bool for_test);

  Transport& transport() { return transport_; }
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
  /// Puts the agent there once more.
  void restore(const AgentBinary& agent) { agent_.install(agent, context_.stop); }
  /// As of RemoteAgent.
  bool remove_agent() { return agent_.remove(); }
  /// Removes what belongs to one machine only, before there is an image of it, and our folder;
  /// returns what was done, for a person. It may not be possible to log in any more.
  std::string clean(const std::string& working_directory);
  int shell(const std::vector<std::string>& command);
  /// The reboot that was under way: another machine takes its place.
  void forget_boot();

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
  Transport& transport_;
  std::function<void()> must_be_on_;
  RemoteAgent agent_;
  RemoteStages stages_;
};

}  // namespace toehold
