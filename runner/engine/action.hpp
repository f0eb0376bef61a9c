// What an author of an action needs: inputs as a struct, a context to act through, an Outcome to
// return. Implemented by the files in actions/; called by the step runner only.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/http.hpp"
#include "runner/base/object_store.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/process.hpp"
#include "runner/document/action_info.hpp"

namespace toehold {

struct Succeeded {
  std::vector<Value> outputs;  // one map per input item; empty when the action has no outputs
  bool cached = false;         // found, not done: an earlier build has done the same
};
struct Failed {
  std::string message;
  std::optional<int> exit_code;
  std::vector<Value> outputs;
  bool timed_out = false;
  bool cancelled = false;
};
struct RebootRequired {
  enum class Resume { next_step, same_step } resume = Resume::next_step;
  std::chrono::seconds delay{0};
};
/// What happened. What it counts as (onFailure, attempts) is the engine's business.
using Outcome = std::variant<Succeeded, Failed, RebootRequired>;

/// Runs another document as part of this step; the engine gives it, ExecuteDocument calls it.
using RunDocument = std::function<Outcome(const Value& inputs)>;
/// Evaluates a condition for Assert: true, false, or Error.
using EvaluateCondition = std::function<bool(const Value& resolved_inputs)>;

struct ActionContext {
  std::stop_token stop;
  Deadline deadline;
  ProcessRunner& processes;
  HttpClient& http;
  ObjectStore& objects;
  Clock& clock;
  const Platform& platform;
  std::filesystem::path temp_root;  // private (0700); for scripts and other scratch files
  std::vector<std::pair<std::string, std::string>> environment;  // to add to child processes
  OnOutput output;                                               // what the step prints
  OnStart process_started;                                       // pass on to ProcessRunner::run
  std::function<void(const std::string&)> note;                  // a progress line for console.log
  RunDocument run_document;
  EvaluateCondition evaluate;
};

struct Action {
  ActionInfo info;
  /// `inputs`: for InputShape::each_item a list of maps, else one map (or null); references are
  /// resolved. Errors that it throws become Failed.
  std::function<Outcome(const Value& inputs, ActionContext& context)> run;
};

/// How one input item ended: its outputs (null for none), or why not.
using ItemResult = std::variant<Value, Failed>;

/// An action over one map. `run(const T&, ActionContext&) -> Outcome`.
template <class T, class Run>
Action make_action(std::string name, std::string summary, Fields<T> fields, Run run) {
  Action action;
  action.info.name = std::move(name);
  action.info.summary = std::move(summary);
  action.info.inputs = fields.info();
  action.run = [fields, run, title = "action '" + action.info.name + "'"](
                   const Value& inputs, ActionContext& context) -> Outcome {
    Diagnostics diagnostics(nullptr);
    const auto decoded =
        fields.decode(inputs.is_null() ? Value(Value::Map()) : inputs, title, diagnostics);
    if (!decoded) return Failed{diagnostics.items().front().message, {}, {}};
    return run(*decoded, context);
  };
  return action;
}

/// An action over a list of maps, done in order; the first failing item fails the step and what was
/// done before stays. `run(const T&, ActionContext&) -> ItemResult`.
template <class T, class Run>
Action make_list_action(std::string name, std::string summary, Fields<T> fields, Run run) {
  Action action;
  action.info.name = std::move(name);
  action.info.summary = std::move(summary);
  action.info.shape = InputShape::each_item;
  action.info.inputs = fields.info();
  action.run = [fields, run, title = "action '" + action.info.name + "'"](
                   const Value& inputs, ActionContext& context) -> Outcome {
    std::vector<T> items;
    for (const Value& item : inputs.list()) {  // all are decoded before the first is done
      Diagnostics diagnostics(nullptr);
      const auto decoded = fields.decode(item, title, diagnostics);
      if (!decoded) return Failed{diagnostics.items().front().message, {}, {}};
      items.push_back(*decoded);
    }
    std::vector<Value> outputs;
    for (const T& item : items) {
      if (context.stop.stop_requested()) return Failed{"cancelled", {}, outputs, false, true};
      if (context.deadline.passed(context.clock.monotonic())) {
        return Failed{"timed out", {}, outputs, true};
      }
      ItemResult result = run(item, context);
      if (auto* failed = std::get_if<Failed>(&result)) {
        failed->outputs = std::move(outputs);
        return std::move(*failed);
      }
      outputs.push_back(std::move(std::get<Value>(result)));
    }
    return Succeeded{std::move(outputs)};
  };
  return action;
}

}  // namespace toehold
