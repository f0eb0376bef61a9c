// ContainerEngine: podman or docker as a program: which one is here, what it has to be told on this
// machine, and its commands. Called by the container provider; keeps no list of what it made.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/process.hpp"
#include "runner/base/value.hpp"

namespace toehold {

class ContainerEngine {
 public:
  /// `wanted`: "podman", "docker", or "auto" for the first that works. Throws Error(unsupported)
  /// that says what is missing.
  static std::shared_ptr<ContainerEngine> find(const std::string& wanted, ProcessRunner& processes,
                                               std::stop_token stop);
  /// A record of the inventory names its engine.
  ContainerEngine(std::string name, ProcessRunner& processes);

  const std::string& name() const { return name_; }
  ProcessRunner& processes() const { return *processes_; }
  /// What it prints to stdout. Throws Error(process) with what it says when it fails.
  std::string run(const std::vector<std::string>& words, std::stop_token stop) const;
  /// The same, with the output handed over as it comes.
  void run(const std::vector<std::string>& words,
           const std::function<void(std::string_view)>& on_output, std::stop_token stop) const;
  /// nullopt when it fails.
  std::optional<std::string> try_run(const std::vector<std::string>& words,
                                     std::stop_token stop) const;

  /// The image's configuration as `inspect` has it; pulls the image if it is not there. Throws
  /// Error(process).
  Value image(const std::string& name, std::stop_token stop) const;
  /// With its volumes; true when it is gone, or never was.
  bool remove_container(const std::string& name) const;
  /// The name, and the image if it has no other.
  bool remove_image(const std::string& name) const;
  /// Options for `create`, by turns: the first with which a container starts is the right one, and
  /// from then on the only one. A limit that the engine would raise cannot always be raised, and an
  /// OCI runtime may not know this machine's cgroups.
  std::vector<std::vector<std::string>> ways_to_create() const;
  void remember(std::vector<std::string> way) { way_ = std::move(way); }
  /// Returns when no process of this engine is at work on the container or image `name`: a
  /// controller that was killed leaves those that it had started. Throws Error(busy) after a
  /// minute.
  void wait_for_others(const std::string& name) const;

 private:
  ProcessResult execute(const std::vector<std::string>& words,
                        const std::function<void(std::string_view)>& on_output, std::string& err,
                        std::stop_token stop) const;

  std::string name_;
  ProcessRunner* processes_;
  std::optional<std::vector<std::string>> way_;
};

}  // namespace toehold
