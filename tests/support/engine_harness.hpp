// Runs the real engine over a document given as text, with actions that are lambdas, a journal in a
// temporary folder and a recording sink. Called by the engine's tests. run() is one process: call
// it again, and the run goes on from what the journal says.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"
#include "runner/engine/engine.hpp"

namespace toehold::test {

using FakeRun = std::function<Outcome(const Value& inputs, ActionContext& context)>;

class RecordingSink final : public EventSink {
 public:
  void on(const Event& event) override;
  std::vector<Event> events;
  std::string output;

  /// The events of one type, in order.
  template <class T>
  std::vector<T> all() const {
    std::vector<T> found;
    for (const Event& event : events) {
      if (const T* data = std::get_if<T>(&event.data)) found.push_back(*data);
    }
    return found;
  }
};

/// Thrown by a fake action to end the "process" as a crash would: nothing is written after it.
struct Crash {};

class EngineHarness {
 public:
  explicit EngineHarness(std::string document);

  /// Adds or replaces an action; it takes any inputs and says what it did through the ledger.
  EngineHarness& action(const std::string& name, FakeRun run, bool repeatable = false);
  /// A document that ExecuteDocument finds under `path`.
  EngineHarness& file(const std::string& path, std::string text);

  /// One process. Throws Crash when an action did.
  RunEnd run();
  /// The statuses as "build.One=success build.Two=failed", nested ones included.
  std::string statuses() const;

  std::string journal_text() const;
  void set_journal_text(const std::string& text);

  RecordingSink sink;               // of the last run()
  std::vector<std::string> ledger;  // for the fake actions
  Parameters parameters;
  PlanFilter filter;
  InDoubt in_doubt = InDoubt::fail;
  bool strict = false;
  std::stop_source stop;
  ProcessRunner* processes = nullptr;
  std::optional<RunState> previous;
  AwsLookups aws;
  std::vector<std::string> bucket_owners;  // of the nested documents that were asked for
  std::vector<std::string> secrets;        // those that were registered

 private:
  std::string document_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::pair<FakeRun, bool>> actions_;
  TempDirectory folder_;
};

/// An action's inputs as "key=value key=value".
std::string describe_inputs(const Value& inputs);

}  // namespace toehold::test
