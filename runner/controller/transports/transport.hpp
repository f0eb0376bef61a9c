// Transport: how the controller reaches a machine: run a program there, bring files, fetch files.
// A seam: SSH, `podman exec`, and one fake in tests/support. Called by remote_agent and the
// providers; knows nothing of documents or agents, and never joins words into a shell line.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/process.hpp"

namespace toehold {

class Transport {
 public:
  virtual ~Transport() = default;
  /// What messages call the other side: "root@build-host", "container toehold-3f".
  virtual std::string name() const = 0;
  /// Runs a program there, in no particular folder, with an empty stdin. argv[0] without a '/' is
  /// looked up there. Throws Error(network) when the connection cannot be made or is lost, after
  /// which the program may or may not be running; the next call connects anew. After the deadline
  /// or a stop the result says so, and the program may still be running.
  virtual ProcessResult run(const std::vector<std::string>& argv, const OnOutput& on_output,
                            Deadline deadline, std::stop_token stop) = 0;
  /// Copies a file to an absolute path there whose folder exists. The content is checked there:
  /// after this returns the file is whole. `mode` are its permissions. Throws Error.
  virtual void upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
                      Deadline deadline, std::stop_token stop) = 0;
  /// Fetches a file; `to` is made or replaced, mode 0600. Throws Error, also when there is none.
  virtual void download(const std::string& from, const std::filesystem::path& to, Deadline deadline,
                        std::stop_token stop) = 0;
  /// Runs a program there on this terminal; returns its exit code. Over SSH the terminal's echo is
  /// off when the program begins. Without a terminal it reads nothing.
  virtual int interact(const std::vector<std::string>& argv, std::stop_token stop) = 0;
};

}  // namespace toehold
