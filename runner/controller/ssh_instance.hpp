// SshInstance: a machine that exists, for the time of a build: a folder of ours there with the
// agent, which goes again. Made by the ssh provider only; there is no image of it.
#pragma once

#include <memory>
#include <string>

#include "runner/controller/provider.hpp"
#include "runner/controller/remote_machine.hpp"
#include "runner/controller/target_options.hpp"
#include "runner/controller/transports/ssh.hpp"

namespace toehold {

inline constexpr const char* ssh_target = "ssh";

/// With the password, which is asked for here if it has to be.
SshSettings ssh_settings(const SshOptions& options);

/// What cleanup needs to find a folder again, as the id of an inventory record, and back.
std::string ssh_record_id(const SshOptions& options, const std::string& folder);
struct SshPlace {
  SshOptions options;
  std::string folder;
};
SshPlace ssh_place(const std::string& record_id);

class SshInstance final : public Instance {
 public:
  /// The folder that an earlier process of this build has left there, else a new one. Throws Error,
  /// and then leaves no new one. The references outlive it.
  SshInstance(const Recipe& recipe, const SshSettings& settings, bool for_test,
              const BuildContext& context);
  ~SshInstance() override;

  /// A machine that is out of reach, or waits for its reboot, is kept: the run is still there.
  StageEnd run(const Stage& stage) override;
  std::string failed_step() const override { return machine_.stages().failed_step(); }
  std::vector<ManifestStep> steps() const override { return machine_.stages().steps(); }
  void choose(const std::string& step, StepChoice choice) override {
    machine_.stages().choose(step, choice);
  }
  int shell(const std::vector<std::string>& command) override { return machine_.shell(command); }
  std::unique_ptr<Snapshot> snapshot() override;
  void keep() override { kept_ = true; }

 private:
  void install(const std::string& id);

  const BuildContext& context_;
  SshTransport transport_;
  RemoteMachine machine_;
  std::int64_t record_ = 0;
  bool kept_ = false;
};

}  // namespace toehold
