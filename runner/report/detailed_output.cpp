#include "runner/report/detailed_output.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/report/typed_inputs.hpp"

namespace toehold {

namespace {

Value time_value(UnixMillis time) {
  return time == 0 ? Value("") : Value(rfc3339_local(time));
}

/// Inputs and outputs are texts that hold JSON arrays.
Value inputs_text(const Value& inputs, const ActionInfo* action) {
  if (!inputs.is_list()) return Value("[]");
  return Value(to_json(action ? typed_inputs(inputs, *action) : inputs));
}

Value outputs_text(const Value& outputs) {
  // An action without outputs leaves a null for each item that it has done.
  const bool none = std::all_of(outputs.list().begin(), outputs.list().end(),
                                [](const Value& item) { return item.is_null(); });
  return none ? Value("[]") : Value(to_json(outputs));
}

}  // namespace

void DetailedOutput::on(const Event& event) {
  const auto apply = [&]<class T>(const T& data) {
    if constexpr (std::is_same_v<T, RunStarted>) {
      run_ = data;
      begun_ = event.time;
    } else if constexpr (std::is_same_v<T, DocumentStarted>) {
      documents_[data.document] = {data, "", "", event.time, 0, {}};
      if (data.parent.empty()) {
        top_documents_.push_back(data.document);
      } else {
        // A loop's turn adds "#n" to the step's id.
        const auto step =
            steps_.find(data.parent.substr(0, data.parent.find('#', data.parent.rfind('/'))));
        if (step != steps_.end()) step->second.documents.push_back(data.document);
      }
    } else if constexpr (std::is_same_v<T, PhaseStarted>) {
      documents_[data.document].phases.push_back({data.phase, "", "", event.time, 0, {}});
    } else if constexpr (std::is_same_v<T, StepStarted>) {
      steps_[data.step] = {data, event.time, 0, {}, {}};
      if (PhaseRecord* record = phase(data.document, data.phase)) {
        record->steps.push_back(data.step);
      }
    } else if constexpr (std::is_same_v<T, StepFinished>) {
      steps_[data.step].finished = data;
      steps_[data.step].ended = event.time;
    } else if constexpr (std::is_same_v<T, PhaseFinished>) {
      if (PhaseRecord* record = phase(data.document, data.phase)) {
        record->status = data.status;
        record->message = data.message;
        record->ended = event.time;
      }
    } else if constexpr (std::is_same_v<T, DocumentFinished>) {
      DocumentRecord& record = documents_[data.document];
      record.status = data.status;
      record.message = data.message;
      record.ended = event.time;
    } else if constexpr (std::is_same_v<T, RunFinished>) {
      finished_ = data;
      ended_ = event.time;
      write();
    } else if constexpr (std::is_same_v<T, RebootRequested>) {
      write();
    }
  };
  std::visit(apply, event.data);
}

DetailedOutput::PhaseRecord* DetailedOutput::phase(const std::string& document,
                                                   const std::string& name) {
  for (PhaseRecord& record : documents_[document].phases) {
    if (record.name == name) return &record;
  }
  return nullptr;
}

Value DetailedOutput::step_value(const StepRecord& record) const {
  const StepFinished finished = record.finished.value_or(StepFinished{});
  Value nested;
  if (!record.documents.empty()) {
    Value::List list;
    for (const std::string& id : record.documents) {
      const DocumentRecord& document = documents_.at(id);
      list.push_back(Value::object({{"executionId", document.started.execution_id},
                                    {"status", document.status},
                                    {"startTime", time_value(document.begun)},
                                    {"endTime", time_value(document.ended)},
                                    {"failureMessage", document.message},
                                    {"documents", Value(Value::List{document_value(document)})}}));
    }
    nested = Value(std::move(list));
  }
  return Value::object(
      {{"name", record.started.name},
       {"status", finished.status},
       {"failureMessage", finished.message},
       {"timeoutSeconds", record.started.timeout_seconds},
       {"onFailure", record.started.on_failure},
       {"maxAttempts", record.started.max_attempts},
       {"action", record.started.action},
       {"startTime", time_value(record.begun)},
       {"endTime", time_value(record.ended)},
       {"inputs", inputs_text(finished.inputs, actions_.find_info(record.started.action))},
       {"outputs", outputs_text(finished.outputs)},
       {"loop", record.started.loop},
       {"detailedOutput", std::move(nested)}});
}

Value DetailedOutput::document_value(const DocumentRecord& record) const {
  Value::List phases;
  for (const PhaseRecord& phase : record.phases) {
    Value::List steps;
    for (const std::string& id : phase.steps) steps.push_back(step_value(steps_.at(id)));
    phases.push_back(Value::object({{"name", phase.name},
                                    {"status", phase.status},
                                    {"startTime", time_value(phase.begun)},
                                    {"endTime", time_value(phase.ended)},
                                    {"failureMessage", phase.message},
                                    {"steps", Value(std::move(steps))}}));
  }
  return Value::object({{"name", record.started.name},
                        {"filePath", record.started.path},
                        {"status", record.status},
                        {"description", record.started.description},
                        {"startTime", time_value(record.begun)},
                        {"endTime", time_value(record.ended)},
                        {"failureMessage", record.message},
                        {"phases", Value(std::move(phases))}});
}

Value DetailedOutput::run_value() const {
  Value::List documents;
  for (const std::string& id : top_documents_) {
    documents.push_back(document_value(documents_.at(id)));
  }
  return Value::object({{"executionId", run_.execution_id},
                        {"status", finished_.status},
                        {"startTime", time_value(begun_)},
                        {"endTime", time_value(ended_)},
                        {"failureMessage", finished_.message},
                        {"documents", Value(std::move(documents))}});
}

void DetailedOutput::write() {
  try {
    write_file_atomically(path_, to_json(run_value(), 2) + "\n");
  } catch (const Error& error) {
    // A report that cannot be written does not end the run.
    problem_ = error.full_message();
    log(LogLevel::warning, problem_);
  }
}

}  // namespace toehold
