// The stages of one remote machine as a person sees them: the console, the logs, what a stage comes
// to, and where it goes on after a failure or in a later process. Called by the providers of
// machines with a Transport, for the same functions of Instance; knows none of them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/controller/remote_agent.hpp"

namespace toehold {

/// What is known of a stage, in a file of its state folder, for the process that comes after this.
struct StageMemory {
  bool done = false;
  std::string failed_step;  // its id, if the last run of the stage failed
  std::vector<ManifestStep> steps;
};
StageMemory read_stage_memory(const std::filesystem::path& state_directory);
void write_stage_memory(const std::filesystem::path& state_directory, const StageMemory& memory);

/// Before a machine is made: what an earlier one of the build has done is not on it, so its stage
/// begins anew, and with the build the tests. Tests that this image has passed are not run again.
void begin_stage_anew(const BuildContext& context, bool for_test);

class RemoteStages {
 public:
  RemoteStages(RemoteAgent& agent, const BuildContext& context)
      : agent_(agent), context_(context) {}

  /// As of Instance::run; a stage that is done is not run again. Fetches the logs, however it
  /// ended.
  StageEnd run(const Stage& stage);
  /// The machine is gone: on another one the stage begins anew.
  void forget(const Stage& stage) { agent_.forget(stage); }
  std::string failed_step() const { return failed_; }
  /// With StageEnd::taken_back: when.
  const std::string& taken_back() const { return taken_back_; }
  const std::vector<ManifestStep>& steps() const { return memory_.steps; }
  /// The step's changes stay, whatever is chosen: there is no layer to take away.
  void choose(const std::string& step, StepChoice choice);

 private:
  bool pass_over(const Stage& stage);
  RemoteEnd follow(const Stage& stage, std::string& failed);
  /// From the logs that were fetched.
  void add_files(const std::filesystem::path& logs);
  StageEnd judge(const Stage& stage, const RemoteEnd& end, const std::string& failed);

  RemoteAgent& agent_;
  const BuildContext& context_;
  std::string failed_;  // "phase.step"
  std::string taken_back_;
  StageMemory memory_;
  std::optional<StepChoice> choice_;  // for the step that failed
};

/// The id of the step after `step` ("phase.step" or an id) in the stage, or empty behind the last
/// one.
std::string step_after(const Stage& stage, const std::string& step);

}  // namespace toehold
