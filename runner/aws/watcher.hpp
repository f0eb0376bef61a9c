// Watcher: what state instances, images, snapshots and commands of one region are in, for all
// builds of this process with as few Describe calls as possible. Called by the target ec2 and by
// SSM wherever they wait for something; decides nothing and waits for no state. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2_images.hpp"
#include "runner/aws/ec2_instances.hpp"
#include "runner/aws/ec2_snapshots.hpp"
#include "runner/aws/ssm_commands.hpp"

namespace toehold::aws {

class Watcher {
 public:
  /// `region`: empty, the session's. The session outlives it.
  Watcher(Session& session, std::string region = {});
  ~Watcher();

  // Each is asked about one thing, and answers as the service has it after that; nullopt: it does
  // not know it, or not yet. Throw Error as Client::require does.
  std::optional<ec2::Instance> instance(const std::string& id, const Control& control);
  std::optional<ec2::Image> image(const std::string& id, const Control& control);
  std::optional<ec2::Snapshot> snapshot(const std::string& id, const Control& control);
  std::optional<ManagedInstance> managed_instance(const std::string& id, const Control& control);
  /// Those that have this tag and have not been terminated.
  std::vector<ec2::Instance> instances_with(const std::string& tag, const std::string& value,
                                            const Control& control);
  /// Whether it is known to be under way still. If not, ask it: only GetCommandInvocation has the
  /// output; when few commands are waited for, nothing is known without that.
  bool is_under_way(const std::string& command_id, const Control& control);

  Session& session() { return session_; }

 private:
  struct Questions;
  Session& session_;
  std::unique_ptr<Questions> questions_;
};

}  // namespace toehold::aws
