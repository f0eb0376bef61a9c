// ExecTransport: a container reached through the program that made it, `podman exec` and `podman
// cp` or docker's. Made by the container provider, which says which program and container; starts,
// stops and removes none.
#pragma once

#include "runner/controller/transports/transport.hpp"

namespace toehold {

class ExecTransport final : public Transport {
 public:
  /// `program`: podman or docker, with what goes before their sub-command.
  ExecTransport(std::vector<std::string> program, std::string container, ProcessRunner& processes);

  std::string name() const override;
  /// As root of the container.
  ProcessResult run(const std::vector<std::string>& argv, const OnOutput& on_output,
                    Deadline deadline, std::stop_token stop) override;
  void upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
              Deadline deadline, std::stop_token stop) override;
  void download(const std::string& from, const std::filesystem::path& to, Deadline deadline,
                std::stop_token stop) override;
  /// Throws Error(network) when a file there is not the one with this digest.
  void check(const std::string& path, const std::string& sha256, Deadline deadline,
             std::stop_token stop);
  int interact(const std::vector<std::string>& argv, std::stop_token stop) override;

 private:
  std::vector<std::string> command(const std::vector<std::string>& words) const;
  /// Throws Error(network) with what the program says when it fails.
  void must(const std::string& what, const std::vector<std::string>& words, Deadline deadline,
            std::stop_token stop);

  std::vector<std::string> program_;
  std::string container_;
  ProcessRunner& processes_;
};

}  // namespace toehold
