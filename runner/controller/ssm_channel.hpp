// SsmChannel: one script on an instance by Run Command, and its answer. Called by the SSM transport
// and its relays; what the service's states mean, and how long each is waited for, is known here
// and nowhere else. One thread.
#pragma once

#include <functional>
#include <string>

#include "runner/aws/ssm_commands.hpp"
#include "runner/aws/watcher.hpp"
#include "runner/controller/ssm_script.hpp"
#include "runner/controller/ssm_transport.hpp"
#include "runner/report/relayed_output.hpp"

namespace toehold {

struct SsmWait {
  Deadline deadline;
  std::stop_token stop;
  std::function<void()> tick;  // about five times a second while something is waited for
};

class SsmChannel {
 public:
  SsmChannel(aws::Watcher& watcher, Clock& clock, const SsmSettings& settings);

  /// Runs the script as root; `most`: how long it may take there. Throws Error(timeout) and
  /// Error(cancelled) of `wait`, Error(network) for what may be mended by another try, Error(aws).
  RelayAnswer ask(const SsmScript& script, std::chrono::seconds most, const SsmWait& wait);
  /// The same without waiting for its end; whether it was sent, nobody knows. Never throws.
  void tell(const SsmScript& script);

  /// False when it is time to give up.
  bool pause(std::chrono::milliseconds time, const SsmWait& wait);
  /// Throws Error(timeout) or Error(cancelled) when it is.
  void must_go_on(const SsmWait& wait) const;

  aws::Client& client() { return client_; }
  aws::Watcher& watcher() { return watcher_; }
  Clock& clock() { return clock_; }
  const SsmSettings& settings() const { return settings_; }
  /// Why nothing is heard from Systems Manager; empty: something was, at the last try.
  const std::string& silence() const { return silence_; }

 private:
  std::string send(const SsmScript& script, std::chrono::seconds most, const SsmWait& wait);
  /// The command that a lost answer was about; empty: it was not taken.
  std::string find_sent(const std::string& comment, const SsmWait& wait);
  aws::CommandInvocation wait_for_end(const std::string& command_id, const SsmWait& wait);
  std::chrono::seconds patience() const;
  aws::Control control(const SsmWait& wait) const;
  void cancel(const std::string& command_id);

  aws::Watcher& watcher_;
  aws::Client client_;
  Clock& clock_;
  const SsmSettings& settings_;
  bool was_reached_ = false;
  std::string silence_;
};

/// Why a command has given no answer, in words.
Error no_answer(const std::string& instance_id, const aws::CommandInvocation& invocation);

}  // namespace toehold
