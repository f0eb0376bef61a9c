// ApplicationLog: the events of a run as lines of application.log, and with --trace of stderr: what
// began and ended, when, with what, what was decided. Behind the redactor; never shows what a step
// prints or returns, only how much.
#pragma once

#include <string>
#include <unordered_map>

#include "runner/engine/event_sink.hpp"

namespace toehold {

/// Writes by log(); open_log() comes first.
class ApplicationLog final : public EventSink {
 public:
  void on(const Event& event) override;

 private:
  struct Running {
    UnixMillis attempt_begun = 0;
    unsigned long long printed = 0;  // bytes
  };
  void attempt_finished(UnixMillis time, const AttemptFinished& data);
  void step_finished(const StepFinished& data);

  std::unordered_map<std::string, Running> running_;  // by id of the step
};

}  // namespace toehold
