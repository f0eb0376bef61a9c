#include "runner/engine/run_state.hpp"

namespace toehold {

void RunState::apply(const Event& event) {
  if (event.seq > last_seq_) last_seq_ = event.seq;
  const auto on = [&]<class T>(const T& data) {
    if constexpr (std::is_same_v<T, RunStarted>) {
      run_started_ = data;
      boot_id_ = data.boot_id;
      started_at_ = event.time;
    } else if constexpr (std::is_same_v<T, Resumed>) {
      boot_id_ = data.boot_id;
      if (pending_reboot_ && data.reason == "reboot") pending_reboot_.reset();
    } else if constexpr (std::is_same_v<T, DocumentStarted>) {
      documents_[data.document] = data;
    } else if constexpr (std::is_same_v<T, PhaseStarted>) {
      phases_.emplace(std::pair(data.document, data.phase), false);
    } else if constexpr (std::is_same_v<T, PhaseFinished>) {
      phases_[{data.document, data.phase}] = true;
    } else if constexpr (std::is_same_v<T, DocumentFinished>) {
      finished_documents_[data.document] = data.status;
    } else if constexpr (std::is_same_v<T, StepStarted>) {
      open(data.step).started = data;
      order_.push_back(data.step);
    } else if constexpr (std::is_same_v<T, AttemptStarted>) {
      StepState& step = open(data.step);
      // The same number again: an attempt that goes on after a reboot or a crash.
      if (step.attempts_begun != data.attempt) step.iterations.clear();
      step.attempts_begun = data.attempt;
      step.attempt_open = true;
      step.reboot.reset();
    } else if constexpr (std::is_same_v<T, IterationFinished>) {
      if (data.message.empty()) open(data.step).iterations[data.index] = data;
    } else if constexpr (std::is_same_v<T, AttemptFinished>) {
      open(data.step).attempt_open = false;
    } else if constexpr (std::is_same_v<T, RebootRequested>) {
      StepState& step = open(data.step);
      step.reboot = data;
      ++step.reboots;
      pending_reboot_ = data;
    } else if constexpr (std::is_same_v<T, StepFinished>) {
      StepState& step = open(data.step);
      step.finished = data;
      step.attempt_open = false;
      step.iterations.clear();
    } else if constexpr (std::is_same_v<T, ParameterRead>) {
      parameters_read_.push_back(data);
    } else if constexpr (std::is_same_v<T, RunFinished>) {
      run_finished_ = data;
    }
  };
  std::visit(on, event.data);
}

const StepState* RunState::step(const std::string& id) const {
  const auto at = steps_.find(id);
  return at == steps_.end() ? nullptr : &at->second;
}

const DocumentStarted* RunState::document(const std::string& id) const {
  const auto at = documents_.find(id);
  return at == documents_.end() ? nullptr : &at->second;
}

bool RunState::phase_begun(const std::string& document, const std::string& phase) const {
  return phases_.contains({document, phase});
}

bool RunState::phase_finished(const std::string& document, const std::string& phase) const {
  const auto at = phases_.find({document, phase});
  return at != phases_.end() && at->second;
}

bool RunState::document_finished(const std::string& id) const {
  return finished_documents_.contains(id);
}

std::vector<std::string> RunState::open_steps() const {
  std::vector<std::string> open;
  for (const std::string& id : order_) {
    if (!steps_.at(id).finished) open.push_back(id);
  }
  return open;
}

}  // namespace toehold
