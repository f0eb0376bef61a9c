// SandboxMachine: a machine that exists only while a step runs in it. Between steps it is a stack
// of layers; each step that succeeds leaves one, and one that an earlier build left is taken
// instead of running the step. Called by the sandbox provider, which gives its actions to the
// engine; knows nothing of phases or documents.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runner/controller/layer_key.hpp"
#include "runner/controller/layer_store.hpp"
#include "runner/engine/condition_evaluator.hpp"
#include "runner/engine/registry.hpp"
#include "runner/engine/remote_action.hpp"

namespace toehold {

/// What the cache meant for an action.
struct CacheVerdict {
  std::string step;  // id
  bool cached = false;
  std::string why;
};

/// What a person decided of a step that failed.
enum class StepOverride { skip, take_as_done };

struct SandboxSetup {
  std::string base;                           // "/" or a folder
  std::string base_key;                       // what the first layer's key builds on
  std::vector<std::filesystem::path> layers;  // to begin with, the newest first
  std::filesystem::path folder;               // private; for what is being written
  LayerConditions conditions;
  std::vector<std::string> binds;  // FROM:TO[:ro]
  bool use_cache = true;
  std::set<std::string> refresh;  // "build.Install" or "Install"
  std::map<std::string, StepOverride> overrides;
  std::string ground = "the base";  // what the first step stands on
  bool forecast = false;            // no step is run: the first that would be fails
};

class SandboxMachine {
 public:
  /// `shared`: for all builds; `own`: for what only this one may take again. All outlive it.
  SandboxMachine(SandboxSetup setup, LayerStore& shared, LayerStore& own, ProcessRunner& processes,
                 Clock& clock);

  /// The actions of `known`, done in here.
  std::vector<Action> actions(const ActionRegistry& known);
  MachineProbe probe(std::stop_token stop);
  /// The text of a file in here; nullopt when there is none that can be read.
  std::optional<std::string> read_file_inside(const std::string& path, std::stop_token stop);

  /// Of what there is now, the newest first, with what an unfinished step left.
  std::vector<std::filesystem::path> layers() const;
  /// Those that were added here, the oldest first, with the ids of their steps.
  const std::vector<std::pair<std::string, std::filesystem::path>>& step_layers() const {
    return step_layers_;
  }
  const std::string& key() const { return key_; }
  /// The step that failed last and what it was asked; for a shell in its state.
  struct LastStep {
    std::string name;  // "build.Install"
    ActionRequest request;
  };
  const std::optional<LastStep>& last_step() const { return last_step_; }
  /// A root in which to look around: `upper` as of an unfinished step, or a new one.
  SandboxRoot root_for_shell();
  int taken_from_cache() const { return taken_; }
  /// In the order of the actions; the last is the one that `forecast` stopped at.
  const std::vector<CacheVerdict>& verdicts() const { return verdicts_; }

 private:
  struct Unfinished {
    std::filesystem::path folder;  // with fs and work in it
    std::string step;              // its whole id
  };
  Outcome run(const std::string& action, const Value& inputs, ActionContext& context);
  std::optional<Outcome> recall(const std::string& key, const std::string& id, bool shareable,
                                ActionContext& context);
  std::optional<Outcome> decided_by_hand(const std::string& id, ActionContext& context);
  Outcome execute(ActionRequest& request, ActionContext& context);
  std::string why_not_taken(const std::string& id, const std::string& action, const Value& inputs,
                            ActionContext& context);
  Outcome ask(const std::string& probe, const std::string& operand, std::stop_token stop);
  void add_layer(const std::string& step, const std::filesystem::path& files);
  void begin_upper(const std::string& step);
  void seal(LayerRecord record, bool shareable);
  void seal_unfinished();
  SandboxRoot root(bool writable) const;
  std::string new_key();

  SandboxSetup setup_;
  LayerStore& shared_;
  LayerStore& own_;
  ProcessRunner& processes_;
  Clock& clock_;
  std::vector<std::filesystem::path> layers_;  // the newest first
  std::vector<std::pair<std::string, std::filesystem::path>> step_layers_;
  std::string key_;
  bool private_ = false;  // since a step failed: nothing from here on is for others
  std::optional<Unfinished> unfinished_;
  std::optional<LastStep> last_step_;
  int uppers_ = 0;
  int taken_ = 0;
  std::vector<CacheVerdict> verdicts_;
  bool missed_ = false;  // what stands on a new layer has none in the cache
};

}  // namespace toehold
