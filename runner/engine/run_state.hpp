// RunState: what a run has come to, folded from its events; there is no other state.
// Asked by the engine when a run goes on: what is finished, with which outputs, where was it?
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/engine/event.hpp"

namespace toehold {

struct StepState {
  StepStarted started;
  std::optional<StepFinished> finished;
  std::int64_t attempts_begun = 0;
  bool attempt_open = false;
  /// Of the open attempt: turns of the loop that ended well, by index.
  std::map<std::int64_t, IterationFinished> iterations;
  std::optional<RebootRequested> reboot;  // asked for in the open attempt and not yet passed
  std::int64_t reboots = 0;
};

class RunState {
 public:
  void apply(const Event& event);

  bool empty() const { return !run_started_; }
  /// The record of the run's end, when it was reached.
  const std::optional<RunFinished>& run_finished() const { return run_finished_; }
  const std::optional<RunStarted>& run_started() const { return run_started_; }
  UnixMillis started_at() const { return started_at_; }
  /// The boot in which the run was last seen.
  const std::string& boot_id() const { return boot_id_; }
  /// The step that asked for the reboot with which the last process ended.
  const std::optional<RebootRequested>& pending_reboot() const { return pending_reboot_; }
  std::uint64_t last_seq() const { return last_seq_; }

  const StepState* step(const std::string& id) const;
  /// The DocumentStarted record of a document that was begun.
  const DocumentStarted* document(const std::string& id) const;
  bool phase_begun(const std::string& document, const std::string& phase) const;
  bool phase_finished(const std::string& document, const std::string& phase) const;
  bool document_finished(const std::string& id) const;
  const std::vector<ParameterRead>& parameters_read() const { return parameters_read_; }
  /// The steps that were begun and not finished, in the order of their start.
  std::vector<std::string> open_steps() const;

 private:
  StepState& open(const std::string& id) { return steps_[id]; }

  std::optional<RunStarted> run_started_;
  UnixMillis started_at_ = 0;
  std::optional<RunFinished> run_finished_;
  std::string boot_id_;
  std::optional<RebootRequested> pending_reboot_;
  std::uint64_t last_seq_ = 0;
  std::vector<ParameterRead> parameters_read_;
  std::unordered_map<std::string, StepState> steps_;
  std::vector<std::string> order_;
  std::unordered_map<std::string, DocumentStarted> documents_;
  std::unordered_map<std::string, std::string> finished_documents_;
  std::map<std::pair<std::string, std::string>, bool> phases_;  // value: finished
};

}  // namespace toehold
