// SsmTransport: an EC2 instance reached through Systems Manager's Run Command, for which nothing
// has to listen there. What is small travels in the command's own output, everything else as
// objects below a prefix of S3, with URLs that we sign, so that the instance needs no permission
// but its SSM agent's. Made by the provider of EC2; starts and stops no instance. One thread.
#pragma once

#include "runner/aws/logs.hpp"
#include "runner/aws/watcher.hpp"
#include "runner/base/object_store.hpp"
#include "runner/controller/transports/transport.hpp"

namespace toehold {

struct SsmSettings {
  std::string instance_id;
  std::string region;
  ObjectAddress staging;   // bucket, and a prefix that ends in '/' and is this machine's alone
  std::string agent_path;  // absolute; until a program is there, only small answers are possible
  std::chrono::seconds connect_timeout{600};  // for a command to begin
  /// A group of CloudWatch Logs for output that does not reach S3, and how the names of its streams
  /// begin, which is this machine's alone; no group: there is none.
  aws::LogTarget logs = {};
  /// Tells a person, in a line, what takes long; may be empty.
  std::function<void(const std::string&)> say = {};
};

/// To the instance things go by a URL of S3 that it fetches; from the first on that it could not
/// fetch, inside of commands (ssm_pieces). From it they come in the command's own answer, when it
/// is little and soon over; else by S3, with a policy that it posts with; else, where a group is
/// named, by CloudWatch Logs with permissions of its own; else from a spool there, which commands
/// read (ssm_relay).
class SsmTransport final : public Transport {
 public:
  /// Watcher and clock outlive it.
  SsmTransport(aws::Watcher& watcher, Clock& clock, SsmSettings settings);
  ~SsmTransport() override;

  /// "i-0123456789abcdef0 (SSM)"
  std::string name() const override;
  /// As root. A program that is not there ends with 127, as a shell has it.
  ProcessResult run(const std::vector<std::string>& argv, const OnOutput& on_output,
                    Deadline deadline, std::stop_token stop) override;
  void upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
              Deadline deadline, std::stop_token stop) override;
  void download(const std::string& from, const std::filesystem::path& to, Deadline deadline,
                std::stop_token stop) override;
  /// With `aws` and `session-manager-plugin`; Error(unsupported) where they are not installed.
  int interact(const std::vector<std::string>& argv, std::stop_token stop) override;

  /// Until the instance's SSM agent has reported. Throws Error(timeout) that says what Systems
  /// Manager knows of it, Error(cancelled), and what the call fails of.
  void wait_until_online(Deadline deadline, std::stop_token stop);
  /// What Systems Manager says of the instance, for a diagnosis: "Systems Manager has not heard of
  /// i-...", "i-... is ConnectionLost". Never throws.
  std::string why_not_online() const;
  /// All objects below the staging prefix.
  void remove_staged(std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Removes all objects below `staging`, a prefix ending in '/'. Throws Error.
void remove_staged_objects(aws::Session& session, const std::string& region,
                           const ObjectAddress& staging, std::stop_token stop);

}  // namespace toehold
