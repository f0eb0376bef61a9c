// ContainerInstance: one container of a build, with the agent in it. Made by the container provider
// only; what it leaves is a ContainerSnapshot.
#pragma once

#include <memory>
#include <string>

#include "runner/controller/container_engine.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/remote_stage.hpp"
#include "runner/controller/transports/exec.hpp"

namespace toehold {

inline constexpr const char* container_target = "container";

/// What an inventory record calls a container or an image: "podman/NAME".
std::string container_record_id(const ContainerEngine& engine, const std::string& name);

class ContainerInstance final : public Instance {
 public:
  /// The one that an earlier process of this build has left, else a new one of `image`. Throws
  /// Error, and then leaves no new one. The references outlive it.
  ContainerInstance(const Recipe& recipe, std::shared_ptr<ContainerEngine> engine,
                    const std::string& image, bool for_test, const BuildContext& context);
  ~ContainerInstance() override;

  StageEnd run(const Stage& stage) override { return stages_.run(stage); }
  std::string failed_step() const override { return stages_.failed_step(); }
  std::vector<ManifestStep> steps() const override { return stages_.steps(); }
  void choose(const std::string& step, StepChoice choice) override { stages_.choose(step, choice); }
  int shell(const std::vector<std::string>& command) override;
  std::unique_ptr<Snapshot> snapshot() override;
  void keep() override { kept_ = true; }

 private:
  void attach();
  void create(const std::string& image);
  bool create_with(const std::vector<std::string>& options, const std::string& image,
                   const std::filesystem::path& agent, std::string& reason);
  void restart(std::stop_token stop);
  std::filesystem::path packages_file() const { return context_.directory / "packages.json"; }

  const Recipe& recipe_;
  std::shared_ptr<ContainerEngine> engine_;
  const BuildContext& context_;
  bool for_test_;
  std::string name_;
  std::string folder_;                 // of the agent, in the container
  std::filesystem::path config_file_;  // of the image that it was made from
  std::int64_t record_ = 0;
  ExecTransport transport_;
  RemoteAgent agent_;
  RemoteStages stages_;
  bool kept_ = false;
};

}  // namespace toehold
