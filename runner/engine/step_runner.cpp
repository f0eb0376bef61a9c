#include "runner/engine/step_runner.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/condition_evaluator.hpp"

namespace toehold {

namespace {

std::string attempt_result(const Failed& failed) {
  return failed.timed_out ? "timedOut" : (failed.cancelled ? "cancelled" : "failed");
}

/// Joins the outputs of the turns of a loop, key by key, with a newline.
void merge_outputs(Value& all, const Value& turn) {
  for (std::size_t i = 0; i < turn.list().size(); ++i) {
    if (all.list().size() <= i) {
      all.list().push_back(turn.list()[i]);
      continue;
    }
    for (const auto& member : turn.list()[i].map()) {
      Value* known = all.list()[i].find(member.key);
      if (!known) {
        all.list()[i].set(member.key, member.value);
      } else if (member.value.is_scalar()) {
        *known = Value(known->text() + "\n" + member.value.text());
      }
    }
  }
}

Value as_list(const Value& inputs) {
  if (inputs.is_list()) return inputs;
  Value::List list;
  if (!inputs.is_null()) list.push_back(inputs);
  return Value(std::move(list));
}

const char* decision_name(Decision decision) {
  if (decision == Decision::abort) return "Abort";
  return decision == Decision::execute ? "Execute" : "Skip";
}

}  // namespace

StepRunner::StepRunner(const EngineServices& services, EventStream& events, const RunState& earlier,
                       Scope& scope, std::string execution_id, std::string document_id,
                       RunNested nested)
    : services_(services),
      events_(events),
      earlier_(earlier),
      scope_(scope),
      execution_id_(std::move(execution_id)),
      document_id_(std::move(document_id)),
      nested_(std::move(nested)) {}

StepEnd StepRunner::run(const PlannedStep& planned) {
  planned_ = &planned;
  step_ = planned.step;
  action_ = services_.actions.find(step_->action);
  state_ = earlier_.step(planned.id);
  begun_ = services_.clock.monotonic();
  if (state_ && state_->finished) return restore(*state_->finished);

  std::optional<Failed> wrong_condition;
  std::string decision;
  if (state_) {
    decision = state_->started.decision;  // `if` is evaluated once, reboots or not
  } else {
    try {
      decision = decide();
    } catch (const Error& error) {
      wrong_condition = Failed{"if: " + error.full_message(), {}, {}};
    }
    events_.emit(StepStarted{
        planned.id, document_id_, planned.phase->name, step_->name, step_->action,
        step_->where.line, action_ && !action_->info.takes_timeout ? -1 : step_->timeout_seconds,
        to_string(step_->on_failure), step_->max_attempts, decision,
        step_->loop ? step_->loop->as_written : Value(), !step_->disable_logging});
  }
  if (wrong_condition) return fail(*wrong_condition, 0, {}, {});
  if (decision == "Skip") return finish("skipped", 0, {}, {});
  if (decision == "Abort") {
    return fail(Failed{"the if condition came to Abort", {}, {}}, 0, {}, {});
  }
  if (!action_) return fail(Failed{"unknown action '" + step_->action + "'", {}, {}}, 0, {}, {});
  return run_attempts(where_to_start());
}

StepEnd StepRunner::restore(const StepFinished& finished) {
  record(finished);
  return {StepEnd::Kind::finished, finished};
}

void StepRunner::record(const StepFinished& finished) {
  scope_.record_inputs(planned_->phase->name, step_->name, finished.inputs);
  if (finished.status != "skipped") {
    scope_.record_outputs(planned_->phase->name, step_->name, finished.outputs);
  }
}

std::string StepRunner::decide() {
  if (!step_->condition) return {};
  const StepFrame frame{planned_->phase->name, step_->name, {}, {}, {}};
  const ConditionEvaluator evaluator(
      services_.probe, [&](const Value& scalar) { return scope_.resolve_text(scalar, frame); });
  const bool holds = evaluator.holds(step_->condition->condition);
  return decision_name(holds ? step_->condition->then : step_->condition->otherwise);
}

bool StepRunner::repeatable() const {
  return action_->info.repeatable || services_.in_doubt == InDoubt::rerun;
}

StepRunner::Start StepRunner::where_to_start() {
  Start start;
  if (!state_ || state_->attempts_begun == 0) return start;
  start.attempt = state_->attempts_begun + (state_->attempt_open ? 0 : 1);
  if (!state_->attempt_open) return start;
  start.iterations = state_->iterations;
  if (state_->reboot) {
    if (state_->reboot->resume == "sameStep") {
      start.rebooted_iteration = state_->reboot->iteration;
      start.inputs = state_->reboot->inputs;
    } else if (state_->reboot->iteration >= 0) {
      start.passed_iteration = state_->reboot->iteration;
    } else {
      start.done = true;
    }
    return start;
  }
  // A nested document judges its own steps; nothing of this one is in doubt.
  if (step_->action == "ExecuteDocument") return start;
  if (repeatable()) {
    events_.emit(Note{
        planned_->id, "warning",
        "Step " + step_->name + " was running when the run was interrupted; it is done again"});
    return start;
  }
  start.in_doubt = Failed{"in doubt: the step was running when the run was interrupted, and " +
                              step_->action + " may have done part of its work",
                          {},
                          {}};
  return start;
}

StepEnd StepRunner::run_attempts(Start start) {
  if (start.done) {
    Result result;
    result.inputs = as_list(state_->reboot->inputs);
    return finish("success", start.attempt, result, {});
  }
  Failed last;
  Result result;
  const std::int64_t most = action_->info.takes_attempts ? step_->max_attempts : 1;
  std::int64_t attempt = start.attempt;
  if (start.in_doubt) {
    const AttemptFinished doubt{planned_->id, attempt, "inDoubt", start.in_doubt->message, {}};
    if (attempt >= most) return fail(*start.in_doubt, attempt, {}, doubt);
    events_.emit(doubt);
    start = {};
    ++attempt;
  }
  for (;; ++attempt) {
    events_.emit(AttemptStarted{planned_->id, attempt});
    events_.sync();
    result = run_attempt(start);
    start = {};
    if (const auto* reboot = std::get_if<RebootRequired>(&result.outcome)) {
      return request_reboot(result, *reboot);
    }
    if (std::holds_alternative<Succeeded>(result.outcome)) {
      return finish("success", attempt, result,
                    AttemptFinished{planned_->id, attempt, "success", {}, {}});
    }
    last = std::get<Failed>(result.outcome);
    if (last.cancelled || services_.stop.stop_requested()) {
      return {StepEnd::Kind::interrupted, {}};
    }
    const AttemptFinished finished{planned_->id, attempt, attempt_result(last), last.message,
                                   last.exit_code};
    if (attempt >= most) return fail(last, attempt, std::move(result), finished);
    events_.emit(finished);
  }
}

StepRunner::Result StepRunner::run_attempt(Start& start) {
  Deadline deadline;
  if (step_->timeout_seconds >= 0 && action_->info.takes_timeout) {
    deadline = Deadline(services_.clock.monotonic() + Seconds(step_->timeout_seconds));
  }
  Result result;
  if (step_->loop) {
    result = run_loop(start, deadline);
  } else {
    const StepFrame frame{planned_->phase->name, step_->name, {}, {}, {}};
    result = run_turn({frame, planned_->id, start.inputs}, deadline);
  }
  if (auto* failed = std::get_if<Failed>(&result.outcome); failed && failed->timed_out) {
    failed->message = std::string(step_->loop ? "the loop execution" : "the step") +
                      " timed out after " + std::to_string(step_->timeout_seconds) + " s";
  }
  return result;
}

std::vector<std::string> StepRunner::loop_values(const StepFrame& frame) const {
  const Loop& loop = *step_->loop;
  std::vector<std::string> values;
  if (loop.range) {
    const auto& range = *loop.range;
    for (std::int64_t i = range.start; range.update_by > 0 ? i <= range.end : i >= range.end;) {
      values.push_back(std::to_string(i));
      if (__builtin_add_overflow(i, range.update_by, &i)) break;
    }
  } else if (loop.values) {
    for (const Value& value : *loop.values) values.push_back(scope_.resolve_text(value, frame));
  } else if (loop.delimited) {
    values = split(scope_.resolve_text(loop.delimited->list, frame), loop.delimited->delimiter);
  }
  return values;
}

StepRunner::Result StepRunner::run_loop(Start& start, Deadline deadline) {
  Result result;
  StepFrame frame{planned_->phase->name, step_->name, step_->loop->name, {}, {}};
  std::vector<std::string> values;
  try {
    values = loop_values(frame);
  } catch (const Error& error) {
    result.outcome = Failed{error.full_message(), {}, {}};
    return result;
  }
  result.outcome = Succeeded{};
  result.cached = !values.empty();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    if (const auto done = start.iterations.find(index); done != start.iterations.end()) {
      merge_outputs(result.outputs, done->second.outputs);
      result.inputs = done->second.inputs;
      continue;
    }
    if (start.passed_iteration == index) continue;
    frame.loop_index = std::to_string(i);
    frame.loop_value = values[i];
    events_.emit(IterationStarted{planned_->id, index, values[i]});
    const Turn turn{frame, planned_->id + "#" + std::to_string(i),
                    start.rebooted_iteration == index ? start.inputs : std::nullopt};
    Result one = run_turn(turn, deadline);
    result.inputs = std::move(one.inputs);
    result.cached = result.cached && one.cached;
    result.iteration = index;
    if (std::holds_alternative<Succeeded>(one.outcome)) {
      events_.emit(IterationFinished{planned_->id, index, {}, result.inputs, one.outputs});
      merge_outputs(result.outputs, one.outputs);
      continue;
    }
    if (auto* failed = std::get_if<Failed>(&one.outcome)) {
      events_.emit(IterationFinished{planned_->id, index, failed->message, result.inputs, {}});
      failed->message = "the loop failed at index " + std::to_string(i) + ": " + failed->message;
    }
    result.outcome = std::move(one.outcome);
    return result;
  }
  return result;
}

Value StepRunner::resolve_inputs(const StepFrame& frame) const {
  Value inputs = scope_.resolve(step_->inputs, frame);
  const bool wants_list = action_->info.shape == InputShape::each_item;
  if (wants_list && inputs.is_map()) {
    Value::List list;
    list.push_back(std::move(inputs));
    return Value(std::move(list));
  }
  if (!wants_list && inputs.is_list() && inputs.list().size() == 1) {
    return Value(inputs.list().front());
  }
  return inputs;
}

StepRunner::Result StepRunner::run_turn(const Turn& turn, Deadline deadline) {
  Result result;
  try {
    // The same inputs as before a reboot, even if a date or the environment has changed since.
    const Value inputs = turn.inputs ? *turn.inputs : resolve_inputs(turn.frame);
    result.inputs = as_list(inputs);
    scope_.record_inputs(planned_->phase->name, step_->name, result.inputs);
    ActionContext context = make_context(turn, deadline);
    result.outcome = action_->run(inputs, context);
  } catch (const Error& error) {
    if (error.kind() == Error::Kind::state) throw;
    std::string message = error.full_message();
    if (!error.hint().empty()) message += " (" + error.hint() + ")";
    result.outcome = Failed{std::move(message), {}, {}};
    std::get<Failed>(result.outcome).timed_out = error.kind() == Error::Kind::timeout;
  }
  if (auto* succeeded = std::get_if<Succeeded>(&result.outcome)) {
    result.cached = succeeded->cached;
    result.outputs = Value(Value::List(succeeded->outputs.begin(), succeeded->outputs.end()));
  } else if (auto* failed = std::get_if<Failed>(&result.outcome)) {
    result.outputs = Value(Value::List(failed->outputs.begin(), failed->outputs.end()));
  }
  return result;
}

ActionContext StepRunner::make_context(const Turn& turn, Deadline deadline) {
  const std::string id = planned_->id;
  const bool logging = !step_->disable_logging;
  return ActionContext{
      services_.stop,
      deadline,
      services_.processes,
      services_.http,
      services_.objects,
      services_.clock,
      services_.platform,
      services_.temp_root,
      {{"TOEHOLD_STEP", execution_id_ + " " + id}},
      [this, id, logging](Stream stream, std::string_view bytes) {
        if (bytes.empty()) return events_.tick();
        events_.output(Output{id, stream, bytes, logging});
      },
      [this, id](int pid) {
        events_.emit(ProcessStarted{id, pid});
      },
      [this, id](const std::string& text) {
        events_.emit(Note{id, "info", text});
      },
      [this, parent = turn.id](const Value& inputs) { return nested_(parent, inputs); },
      [this](const Value& inputs) {
        Diagnostics diagnostics(nullptr);
        const auto condition = parse_condition(inputs, "action 'Assert'", diagnostics);
        if (!condition) {
          throw Error(Error::Kind::document, diagnostics.items().front().message);
        }
        const ConditionEvaluator evaluator(services_.probe,
                                           [](const Value& scalar) { return scalar.text(); });
        return evaluator.holds(*condition);
      }};
}

StepEnd StepRunner::request_reboot(const Result& result, const RebootRequired& reboot) {
  // A nested document's reboot was recorded by the step in it that asked.
  if (step_->action == "ExecuteDocument") return {StepEnd::Kind::rebooting, {}};
  const std::int64_t before = state_ ? state_->reboots : 0;
  if (before >= services_.max_reboots_per_step) {
    return fail(Failed{"the step asked for a reboot " + std::to_string(before + 1) +
                           " times; that looks like a loop",
                       {},
                       {}},
                1, result, {});
  }
  const bool same = reboot.resume == RebootRequired::Resume::same_step;
  const Value inputs = action_->info.shape == InputShape::each_item || result.inputs.list().empty()
                           ? result.inputs
                           : result.inputs.list().front();
  events_.emit(RebootRequested{planned_->id, same ? "sameStep" : "nextStep", result.iteration,
                               reboot.delay.count(), services_.platform.boot_id, inputs});
  events_.sync();
  return {StepEnd::Kind::rebooting, {}};
}

StepEnd StepRunner::fail(const Failed& failed, std::int64_t attempts, Result result,
                         const std::optional<AttemptFinished>& attempt) {
  result.outcome = failed;
  const bool ignored = step_->on_failure == OnFailure::ignore;
  return finish(ignored ? "ignoredFailure" : "failed", attempts, result, attempt);
}

StepEnd StepRunner::finish(std::string status, std::int64_t attempts, const Result& result,
                           const std::optional<AttemptFinished>& attempt) {
  StepFinished finished;
  finished.step = planned_->id;
  finished.status = std::move(status);
  finished.inputs = result.inputs;
  finished.outputs = result.outputs;
  finished.attempts = attempts;
  finished.seconds = std::chrono::duration<double>(services_.clock.monotonic() - begun_).count();
  if (result.cached) finished.cached = true;
  if (const auto* failed = std::get_if<Failed>(&result.outcome)) {
    finished.message = failed->message;
    finished.exit_code = failed->exit_code;
  }
  record(finished);
  std::vector<EventData> batch;
  if (attempt) batch.emplace_back(*attempt);
  batch.emplace_back(finished);
  events_.emit_together(std::move(batch));
  return {StepEnd::Kind::finished, std::move(finished)};
}

}  // namespace toehold
