// StepRunner: one step from its `if` to its StepFinished: loop, inputs, attempts, timeout, reboot,
// and where to go on when an earlier process had begun it. Errors of the world become failures here
// and nowhere else. Called by the engine; decides nothing about other steps.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runner/engine/event_stream.hpp"
#include "runner/engine/plan.hpp"
#include "runner/engine/run_state.hpp"
#include "runner/engine/services.hpp"

namespace toehold {

struct StepEnd {
  enum class Kind { finished, rebooting, interrupted } kind = Kind::finished;
  StepFinished result;  // of a finished step
};

/// Runs the document that an ExecuteDocument step names; `parent` is the step's id, with "#n" in a
/// loop.
using RunNested = std::function<Outcome(const std::string& parent, const Value& inputs)>;

class StepRunner {
 public:
  StepRunner(const EngineServices& services, EventStream& events, const RunState& earlier,
             Scope& scope, std::string execution_id, std::string document_id, RunNested nested);

  StepEnd run(const PlannedStep& planned);

 private:
  struct Turn {  // one execution of the action: the whole step, or one iteration of its loop
    StepFrame frame;
    std::string id;               // of the step, with "#n" in a loop
    std::optional<Value> inputs;  // of the run before a reboot
  };
  struct Start {  // where the first attempt of this process begins
    std::int64_t attempt = 1;
    std::map<std::int64_t, IterationFinished> iterations;  // done already
    std::optional<std::int64_t> passed_iteration;          // ended with its reboot
    std::int64_t rebooted_iteration = -1;
    std::optional<Value> inputs;
    std::optional<Failed> in_doubt;  // the attempt before it
    bool done = false;               // the reboot was all there was to do
  };
  struct Result {
    Outcome outcome;
    Value inputs = Value(Value::List());
    Value outputs = Value(Value::List());
    std::int64_t iteration = -1;
    bool cached = false;
  };

  StepEnd restore(const StepFinished& finished);
  void record(const StepFinished& finished);
  std::string decide();
  Start where_to_start();
  StepEnd run_attempts(Start start);
  Result run_attempt(Start& start);
  Result run_loop(Start& start, Deadline deadline);
  Result run_turn(const Turn& turn, Deadline deadline);
  std::vector<std::string> loop_values(const StepFrame& frame) const;
  Value resolve_inputs(const StepFrame& frame) const;
  ActionContext make_context(const Turn& turn, Deadline deadline);
  StepEnd request_reboot(const Result& result, const RebootRequired& reboot);
  StepEnd finish(std::string status, std::int64_t attempts, const Result& result,
                 const std::optional<AttemptFinished>& attempt);
  StepEnd fail(const Failed& failed, std::int64_t attempts, Result result,
               const std::optional<AttemptFinished>& attempt);
  bool repeatable() const;

  const EngineServices& services_;
  EventStream& events_;
  const RunState& earlier_;
  Scope& scope_;
  std::string execution_id_;
  std::string document_id_;
  RunNested nested_;

  // Of the step that runs now.
  const PlannedStep* planned_ = nullptr;
  const Step* step_ = nullptr;
  const Action* action_ = nullptr;
  const StepState* state_ = nullptr;
  Monotonic begun_;
};

}  // namespace toehold
