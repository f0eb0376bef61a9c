// Engine: runs a plan. Documents in order, phases in document order, steps one after another;
// onFailure, counts, nested documents, and the way back into a run that was interrupted.
// Tells the outside only through events; never prints, never parses.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/engine/event_stream.hpp"
#include "runner/engine/plan.hpp"
#include "runner/engine/run_state.hpp"
#include "runner/engine/services.hpp"
#include "runner/engine/step_runner.hpp"

namespace toehold {

struct RunEnd {
  enum class Kind { finished, rebooting, interrupted } kind = Kind::finished;
  RunFinished summary;  // of a finished run
};

class Engine {
 public:
  /// `earlier`: what the journal says has happened already; empty for a new run. `previous`: a
  /// finished run of the same documents, whose outputs stand in for steps that the plan leaves out.
  Engine(const EngineServices& services, EventStream& events, const RunState& earlier,
         const RunState* previous = nullptr);

  /// `started`: the record of the run's begin; emitted unless the run goes on.
  RunEnd run(const Plan& plan, const RunStarted& started);

 private:
  struct Counts {
    std::int64_t executed = 0, failed = 0, ignored = 0;
  };
  struct DocumentPlace {
    std::string id;
    std::string parent;                // step id, or ""
    std::vector<std::string> callers;  // canonical paths from the top down, this one included
  };
  enum class Flow { go_on, abort, rebooting, interrupted };
  struct DocumentEnd {
    Flow flow = Flow::go_on;
    std::string status = "success";
    std::string execution_id;
    Counts counts;
  };

  DocumentEnd run_document(const Plan& plan, std::size_t index, const DocumentPlace& place);
  /// One phase of a document; `step` is left behind its last one.
  Flow run_phase(const Plan& plan, std::size_t& step, const DocumentPlace& place,
                 StepRunner& runner, Scope& scope, DocumentEnd& end);
  Outcome run_nested(const std::string& parent, const Value& inputs, const DocumentPlace& caller);
  /// Returns the document's execution id.
  std::string begin_document(const Plan& plan, std::size_t index, const DocumentPlace& place);
  void recall(const PlannedStep& planned, Scope& scope) const;
  ScopeFacts scope_facts();
  ParameterValue parameter(const std::string& name);

  const EngineServices& services_;
  EventStream& events_;
  const RunState& earlier_;
  const RunState* previous_;
  std::string execution_id_;
  std::map<std::string, ParameterValue> parameters_;  // of Parameter Store, by name
};

}  // namespace toehold
