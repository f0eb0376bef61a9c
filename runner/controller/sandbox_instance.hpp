// SandboxInstance and what it leaves: a stage of a build in a SandboxMachine, with the engine, the
// journal and the logs outside of it. Made by the sandbox provider only.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/controller/layer_store.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/sandbox_base.hpp"
#include "runner/controller/sandbox_machine.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

inline constexpr const char* sandbox_target = "sandbox";

/// What test instances and outputs are made of: the base and the layers, lowest last.
class SandboxSnapshot final : public Snapshot {
 public:
  using StepLayers = std::vector<std::pair<std::string, fs::path>>;
  SandboxSnapshot(const Recipe& recipe, SandboxBase base, std::vector<fs::path> layers,
                  StepLayers step_layers, std::string key)
      : recipe_(recipe),
        base_(std::move(base)),
        layers_(std::move(layers)),
        step_layers_(std::move(step_layers)),
        key_(std::move(key)) {}

  WrittenOutput write(const OutputSpec& output, const fs::path& path,
                      std::stop_token stop) override;
  std::optional<OverlayStack> files() const override;

  std::string parent_id() const override { return base_.key; }
  StepLayers step_layers() const override { return step_layers_; }

  const SandboxBase& base() const { return base_; }
  const std::vector<fs::path>& layers() const { return layers_; }
  const std::string& key() const { return key_; }
  /// Puts one more layer on top; `what` says of which kind it is.
  void add_layer(const fs::path& files, const std::string& what);

 private:
  const Recipe& recipe_;
  SandboxBase base_;
  std::vector<fs::path> layers_;  // the newest first
  StepLayers step_layers_;
  std::string key_;
};

class SandboxInstance final : public Instance {
 public:
  /// On the recipe's base, or on what `from` keeps. The references outlive it.
  SandboxInstance(const Recipe& recipe, const BuildContext& context, const SandboxSnapshot* from);
  ~SandboxInstance() override;

  StageEnd run(const Stage& stage) override;
  std::string failed_step() const override { return failed_; }
  std::vector<ManifestStep> steps() const override { return steps_; }
  /// What would come of the stage's steps; `all_cached`: nothing would be run.
  std::vector<StepForecast> forecast(const Stage& stage, bool& all_cached);
  void choose(const std::string& step, StepChoice choice) override;
  int shell(const std::vector<std::string>& command) override;
  std::unique_ptr<Snapshot> snapshot() override;
  void keep() override;

 private:
  LayerConditions conditions() const;
  void make_machine();
  std::unique_ptr<SandboxSnapshot> cleaned(std::unique_ptr<SandboxSnapshot> snapshot) const;
  fs::path kept_file() const { return folder_ / "kept.json"; }
  SandboxRoot root_for_shell();
  SourcePtr read_document(const std::string& path);
  void write_step_files();

  const Recipe& recipe_;
  const BuildContext& context_;
  SandboxOptions options_;
  fs::path folder_;
  std::int64_t record_ = 0;
  CacheLock cache_lock_{CacheLock::Use::shared};
  LayerStore shared_;
  LayerStore own_;
  SandboxBase base_;
  std::vector<fs::path> first_layers_;  // of the snapshot, the newest first
  std::string first_key_;
  std::map<std::string, StepOverride> overrides_;
  std::optional<SandboxMachine> machine_;
  std::string failed_;
  std::vector<ManifestStep> steps_;
  bool kept_ = false;
  bool on_snapshot_ = false;
  bool forecasting_ = false;
};

}  // namespace toehold
