#include "runner/engine/engine.hpp"

#include <algorithm>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// The top document and three levels below it.
constexpr std::size_t most_documents_deep = 4;

/// failed > successWithIgnoredFailure > success
void worsen(std::string& status, const std::string& step_status) {
  if (step_status == "failed") {
    status = "failed";
  } else if ((step_status == "ignoredFailure" || step_status == "successWithIgnoredFailure") &&
             status == "success") {
    status = "successWithIgnoredFailure";
  }
}

std::string text_of(const Value& map, const char* key) {
  const Value* value = map.find(key);
  return value ? value->text() : std::string();
}

}  // namespace

Engine::Engine(const EngineServices& services, EventStream& events, const RunState& earlier,
               const RunState* previous)
    : services_(services), events_(events), earlier_(earlier), previous_(previous) {
  for (const ParameterRead& read : earlier_.parameters_read()) {
    parameters_[read.name] = {read.value, read.type};
  }
}

RunEnd Engine::run(const Plan& plan, const RunStarted& started) {
  execution_id_ = started.execution_id;
  if (earlier_.empty()) {
    events_.emit(started);
    events_.sync();
  } else {
    // What the interrupted process had started must not go on beside its repetition.
    for (const std::string& id : earlier_.open_steps()) {
      kill_processes_with_environment("TOEHOLD_STEP", execution_id_ + " " + id);
    }
    events_.emit(
        Resumed{services_.platform.boot_id, earlier_.pending_reboot() ? "reboot" : "interruption"});
    events_.sync();
  }
  Counts counts;
  std::string status = "success";
  std::string message;
  for (std::size_t i = 0; i < plan.documents.size(); ++i) {
    const std::string& path = plan.documents[i].path;
    const DocumentEnd end =
        run_document(plan, i, {plan.document_ids[i], "", {document_identity(path)}});
    if (end.flow == Flow::rebooting) return {RunEnd::Kind::rebooting, {}};
    if (end.flow == Flow::interrupted) return {RunEnd::Kind::interrupted, {}};
    counts.executed += end.counts.executed;
    counts.failed += end.counts.failed;
    counts.ignored += end.counts.ignored;
    worsen(status, end.status);
    if (end.status == "failed" && message.empty()) message = "Document " + path + " failed!";
    if (end.flow == Flow::abort) break;
  }
  RunEnd end;
  end.summary = {status, message, counts.executed, counts.failed, counts.ignored};
  events_.emit(end.summary);
  events_.sync();
  return end;
}

std::string Engine::begin_document(const Plan& plan, std::size_t index,
                                   const DocumentPlace& place) {
  const DocumentRun& run = plan.documents[index];
  const std::string sha256 = digest_of(DigestAlgorithm::sha256, run.document->source->text());
  if (const DocumentStarted* before = earlier_.document(place.id)) {
    if (before->sha256 != sha256) {
      throw Error(Error::Kind::document,
                  run.path + " has changed since the run that it is part of was interrupted");
    }
    return before->execution_id;
  }
  const std::string id = place.parent.empty() ? execution_id_ : new_time_uuid();
  events_.emit(DocumentStarted{place.id, place.parent, run.path, run.document->name,
                               run.document->description, id, sha256});
  return id;
}

ScopeFacts Engine::scope_facts() {
  ScopeFacts facts;
  facts.execution_id = execution_id_;
  facts.platform = &services_.platform;
  facts.clock = &services_.clock;
  facts.register_secret = services_.register_secret;
  facts.strict = services_.strict;
  facts.aws = services_.aws;
  if (services_.aws.parameter) {
    facts.aws.parameter = [this](const std::string& name) { return parameter(name); };
  }
  facts.warn = [this](const std::string& text) { events_.emit(Note{"", "warning", text}); };
  return facts;
}

/// Asked once a run, reboots included: its steps see one value, and a secret of before is masked
/// after.
ParameterValue Engine::parameter(const std::string& name) {
  const auto known = parameters_.find(name);
  if (known != parameters_.end()) return known->second;
  ParameterValue found = services_.aws.parameter(name);
  events_.emit(ParameterRead{name, found.type, found.value});
  return parameters_.emplace(name, std::move(found)).first->second;
}

Engine::DocumentEnd Engine::run_document(const Plan& plan, std::size_t index,
                                         const DocumentPlace& place) {
  const DocumentRun& run = plan.documents[index];
  DocumentEnd end;
  end.execution_id = begin_document(plan, index, place);
  Scope scope(*run.document, run.parameters, scope_facts());
  StepRunner runner(services_, events_, earlier_, scope, execution_id_, place.id,
                    [&](const std::string& parent, const Value& inputs) {
                      return run_nested(parent, inputs, place);
                    });
  std::size_t step = 0;
  while (step < plan.steps.size() && end.flow == Flow::go_on) {
    if (plan.steps[step].document != index) {
      ++step;
      continue;
    }
    end.flow = run_phase(plan, step, place, runner, scope, end);
  }
  if (end.flow == Flow::rebooting || end.flow == Flow::interrupted) return end;
  if (!earlier_.document_finished(place.id)) {
    events_.emit(DocumentFinished{
        place.id, end.status, end.status == "failed" ? "Document " + run.path + " failed!" : ""});
  }
  return end;
}

Engine::Flow Engine::run_phase(const Plan& plan, std::size_t& step, const DocumentPlace& place,
                               StepRunner& runner, Scope& scope, DocumentEnd& end) {
  const std::size_t document = plan.steps[step].document;
  const Phase* phase = plan.steps[step].phase;
  bool begun = earlier_.phase_begun(place.id, phase->name);
  std::string status = "success";
  std::string failed_step;
  Flow flow = Flow::go_on;
  for (; step < plan.steps.size() && plan.steps[step].phase == phase &&
         plan.steps[step].document == document;
       ++step) {
    const PlannedStep& planned = plan.steps[step];
    if (flow == Flow::abort) continue;
    if (planned.left_out) {
      recall(planned, scope);
      continue;
    }
    if (services_.stop.stop_requested()) return Flow::interrupted;
    if (!begun) events_.emit(PhaseStarted{place.id, phase->name});
    begun = true;
    const StepEnd step_end = runner.run(planned);
    if (step_end.kind == StepEnd::Kind::rebooting) return Flow::rebooting;
    if (step_end.kind == StepEnd::Kind::interrupted) return Flow::interrupted;
    const StepFinished& result = step_end.result;
    if (result.status != "skipped") ++end.counts.executed;
    if (result.status == "failed") ++end.counts.failed;
    if (result.status == "ignoredFailure") ++end.counts.ignored;
    worsen(status, result.status);
    if (result.status != "failed") continue;
    if (failed_step.empty()) failed_step = planned.step->name;
    if (planned.step->on_failure == OnFailure::abort) flow = Flow::abort;
  }
  worsen(end.status, status);
  if (begun && !earlier_.phase_finished(place.id, phase->name)) {
    events_.emit(PhaseFinished{place.id, phase->name, status,
                               failed_step.empty() ? "" : "Step " + failed_step + " failed!"});
  }
  return flow;
}

void Engine::recall(const PlannedStep& planned, Scope& scope) const {
  const StepState* before = previous_ ? previous_->step(planned.id) : nullptr;
  if (!before || !before->finished) return;
  scope.record_earlier(planned.phase->name, planned.step->name, before->finished->inputs,
                       before->finished->outputs);
}

Outcome Engine::run_nested(const std::string& parent, const Value& inputs,
                           const DocumentPlace& caller) {
  const std::string path = text_of(inputs, "document");
  if (caller.callers.size() >= most_documents_deep) {
    return Failed{
        "documents may call documents three levels deep, and " + path + " would be the fourth",
        {},
        {}};
  }
  DocumentPlace place{parent + ">0", parent, caller.callers};
  place.callers.push_back(document_identity(path));
  if (std::find(caller.callers.begin(), caller.callers.end(), place.callers.back()) !=
      caller.callers.end()) {
    return Failed{"documents call each other in a circle: " + join(place.callers, " -> "), {}, {}};
  }
  const LoadedDocument loaded =
      services_.load_document(path, text_of(inputs, "document-s3-bucket-owner"));
  if (!loaded.document || loaded.diagnostics.has_errors()) {
    for (const Diagnostic& item : loaded.diagnostics.items()) {
      events_.emit(Note{parent, "error", render_text(item, false)});
    }
    return Failed{"document " + path + " is not valid", {}, {}};
  }
  PlanFilter filter;
  const std::string phases = text_of(inputs, "phases");
  if (!phases.empty()) filter.phases = split(phases, ',');
  DocumentRun run{loaded.document, path, {}};
  if (const Value* given = inputs.find("parameters")) {
    for (const Value& item : given->list()) {
      run.parameters.emplace_back(text_of(item, "name"), text_of(item, "value"));
    }
  }
  const Plan plan = make_plan({std::move(run)}, filter, parent + ">");
  const DocumentEnd end = run_document(plan, 0, place);
  if (end.flow == Flow::rebooting) return RebootRequired{RebootRequired::Resume::same_step, {}};
  if (end.flow == Flow::interrupted) return Failed{"interrupted", {}, {}, false, true};
  const bool failed = end.status == "failed";
  const std::string message = failed ? "Document " + path + " failed!" : "";
  // Alphabetical, as the original records it.
  Value summary = Value::object({{"executedStepCount", end.counts.executed},
                                 {"executionId", end.execution_id},
                                 {"failedStepCount", end.counts.failed},
                                 {"failureMessage", message},
                                 {"ignoredFailedStepCount", end.counts.ignored},
                                 {"logUrl", ""},
                                 {"status", end.status}});
  if (failed) return Failed{message, {}, {std::move(summary)}};
  return Succeeded{{std::move(summary)}};
}

}  // namespace toehold
