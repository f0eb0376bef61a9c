// Provider, Instance, Snapshot: where a build happens, one machine of it, and what is left of that
// machine. The three seams of the controller, one provider a target, one fake in tests/support.
// Called by build_image only. A provider says before launch what it cannot do; whatever it creates
// is in the inventory before it exists.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runner/agent/program.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/diagnostic.hpp"
#include "runner/base/process.hpp"
#include "runner/controller/build_timing.hpp"
#include "runner/controller/distribution_result.hpp"
#include "runner/controller/inventory.hpp"
#include "runner/controller/manifest.hpp"
#include "runner/controller/outputs.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/engine/event_sink.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

class AwsShare;

/// Texts by the names of their files.
using SourceTexts = std::map<std::string, std::string>;

/// One stage of a build: documents and the phases of them that run on an instance.
struct Stage {
  std::string name;  // "build" or "test"
  std::vector<DocumentRun> documents;
  std::string phases;                     // "build,validate"
  std::filesystem::path state_directory;  // private; the journal of the stage, on this machine
  std::filesystem::path log_directory;    // private; gets the TOE_... folder, on this machine
  const SourceTexts* sources = nullptr;   // where nested documents are, instead of this machine
};

/// What the cache means for a step of a build that is not run.
struct StepForecast {
  std::string step;     // id
  std::string name;     // "build.Install"
  std::string outcome;  // "cached", "runs", "skipped"
  std::string why;
};

/// Its steps, in order.
Plan plan_of(const Stage& stage);
/// All of its steps, to be run for this reason.
std::vector<StepForecast> forecast_all_run(const Stage& stage, const std::string& why);

/// `taken_back`: a spot instance that is about to go; no Instance returns it to the build.
enum class StageEnd { succeeded, failed, interrupted, taken_back };

/// What is to become of a step that failed when its stage is run again: nothing of it is kept and
/// it is left out, or what it left is kept and it counts as done.
enum class StepChoice { skip, take_as_done };

/// What is kept of an instance, and what test instances and outputs are made of.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  /// Writes one output of the recipe to `path`; throws Error(unsupported) for a kind that this
  /// target cannot make (checked before launch, too).
  virtual WrittenOutput write(const OutputSpec& output, const std::filesystem::path& path,
                              std::stop_token stop) = 0;
  /// false: there is only the machine that was changed.
  virtual bool is_image() const { return true; }
  /// Its files, valid while the snapshot lives; nullopt where they are not on this machine.
  virtual std::optional<OverlayStack> files() const { return std::nullopt; }
  /// What was installed before the first step, and now; nullopt where files() says it.
  virtual std::optional<PackageList> packages_before() const { return std::nullopt; }
  virtual std::optional<PackageList> packages_after() const { return std::nullopt; }
  /// Gives it the name under which it is to stay, once the build has succeeded; returns the name,
  /// empty where there is none. It goes again unless deliver() follows.
  virtual std::string publish() { return {}; }
  virtual void deliver() {}
  /// Brings what was delivered to where the recipe wants it, too; what failed is in the rows.
  /// Throws Error for what is seen before anything is done.
  virtual std::vector<DistributionResult> distribute() { return {}; }
  /// It stays for a test instance of it that is kept.
  virtual void keep() {}
  /// What the parent was then: a digest, an image's id; empty where nothing can say.
  virtual std::string parent_id() const { return {}; }
  /// What each step changed, the lowest first: the step's id and the folder of its layer; they are
  /// the last of files()->layers.
  virtual std::vector<std::pair<std::string, std::filesystem::path>> step_layers() const {
    return {};
  }
};

class Instance {
 public:
  /// Removes it with all that belongs to it, unless it is kept.
  virtual ~Instance() = default;
  /// Runs a stage, shows it on the console, leaves its logs in `stage.log_directory`. Given again
  /// after a failure it goes on there, with what `choose` said of the failed step.
  virtual StageEnd run(const Stage& stage) = 0;
  /// "build.Install" of the last run; empty when none failed.
  virtual std::string failed_step() const = 0;
  /// What the last run did, step by step, without files.
  virtual std::vector<ManifestStep> steps() const = 0;
  virtual void choose(const std::string& step, StepChoice choice) = 0;
  /// A shell, or `command`, in the state that the last step left, with this terminal. Returns its
  /// exit code.
  virtual int shell(const std::vector<std::string>& command) = 0;
  virtual std::unique_ptr<Snapshot> snapshot() = 0;
  /// It stays when this object goes; cleanup and shell find it by the inventory.
  virtual void keep() = 0;
};

struct ProviderInfo {
  std::string name;                  // "sandbox"
  std::string summary;               // for the help
  std::vector<std::string> outputs;  // kinds of output it can make
  bool reboots = false;              // a Reboot step is one
  bool layers = false;               // what a step has done can be taken away again
  bool snapshots = true;             // the test stage has a machine of its own
  bool distributes = false;          // an image can be brought to regions and accounts
  std::string default_output = {};   // made where the recipe names none; empty: none has to be
};

/// Where a build's state is kept besides its folder.
struct CopyPlace {
  std::string address;  // "s3://BUCKET/PREFIX"; empty: nowhere
  std::string region;   // may be empty
};

/// What a provider is given for one build.
struct BuildContext {
  std::string build_id;
  std::filesystem::path directory;  // private folder of this build
  Inventory& inventory;
  ProcessRunner& processes;
  Clock& clock;
  const CommandContext& command;
  std::stop_token stop;
  bool use_cache = true;
  std::vector<std::string> refresh;  // steps that are run although the cache has them
  std::string view;                  // as of `run --view`
  EventSink* watcher = nullptr;      // sees the events of every stage
  BuildTiming* timing = nullptr;     // for `--timing`
  UnixMillis started = 0;            // when the build began, in its first process
  std::function<void()> save = {};   // see note_down()
  std::function<void()> check = {};  // see must_hold()
  AwsShare* aws = nullptr;           // with other builds of this process; null: it is alone

  /// A line to a person.
  void say(const std::string& text) const { command.tell(text + "\n"); }
  /// The time since the last one went there.
  void lap(const std::string& what) const {
    if (timing) timing->lap(what);
  }
  /// What the folder says now is acted on next: a build that goes on elsewhere has to know it.
  void note_down() const {
    if (save) save();
  }
  /// Before something is ended or removed: when another machine drives the build now, this throws
  /// Error(busy) or, where the build is alone in its process, does not return.
  void must_hold() const {
    if (check) check();
  }
};

/// How a build ended, for whom the recipe names.
struct BuildOutcome {
  bool interrupted = false;
  std::string message;               // why it failed; empty: it has not
  std::string failed_step;           // "build.Install"
  std::optional<Manifest> manifest;  // of the image, which there may be although it failed later
};

class Provider {
 public:
  virtual ~Provider() = default;
  virtual ProviderInfo info() const = 0;
  /// Reports what this target cannot do of the recipe, wherever that would run; looks at no more
  /// than the files that it names. ProviderInfo's outputs are checked already.
  virtual void check_recipe(const Recipe&, Diagnostics&) {}
  /// Reports what this target cannot do of the documents, or of the recipe here; no side effects.
  /// Throws Error for what is missing on this machine (no podman, no overlayfs).
  virtual void check(const Recipe& recipe, const std::vector<DocumentRun>& documents,
                     Diagnostics& diagnostics) = 0;
  /// An instance of the recipe's parent, or, for the test stage, of a snapshot; that of an earlier
  /// process of the same build, if it left one.
  virtual std::unique_ptr<Instance> launch(const Recipe& recipe, const Snapshot* from,
                                           const BuildContext& context) = 0;
  /// What would come of each step of the stages, without running one; nullopt where nothing is kept
  /// from build to build.
  virtual std::optional<std::vector<StepForecast>> forecast(const Recipe&,
                                                            const std::vector<Stage>&,
                                                            const BuildContext&) {
    return std::nullopt;
  }
  /// Finds a kept one again, that of the build stage or of the test stage; throws Error when it is
  /// gone.
  virtual std::unique_ptr<Instance> find(const Recipe& recipe, bool of_test,
                                         const BuildContext& context) = 0;
  /// Where this build is gone on with when this machine is lost.
  virtual CopyPlace copy_place(const Recipe&) const { return {}; }
  /// The build is over, with all that it removes: tells whom the recipe names, and brings the logs
  /// to where it wants them. Does not throw: what fails here is a warning on stderr.
  virtual void end_of_build(const Recipe&, const BuildContext&, const BuildOutcome&) {}
  /// Removes what an inventory record names; true when it is gone, or was.
  virtual bool remove(const InventoryRecord& record, ProcessRunner& processes) = 0;
  /// After remove(): whether the record names what Snapshot::publish() gave out, and that is no
  /// more, so that the build has no image.
  virtual bool is_withdrawn(const InventoryRecord&) { return false; }
};

/// The one table of targets; throws Error(usage) with a hint for an unknown name.
std::unique_ptr<Provider> make_provider(const std::string& name);
std::vector<std::string> provider_names();

}  // namespace toehold
