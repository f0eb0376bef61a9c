// A Transport for tests: keeps what was uploaded, and answers each command as the test says. Knows
// no machine.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/controller/transports/transport.hpp"

namespace toehold::test {

class FakeTransport final : public Transport {
 public:
  using Words = std::vector<std::string>;

  std::string name() const override { return "the fake"; }
  ProcessResult run(const Words& argv, const OnOutput& on_output, Deadline,
                    std::stop_token) override {
    commands.push_back(argv);
    ProcessResult result;
    result.exit_code = on_run ? on_run(argv, on_output) : 0;
    return result;
  }
  void upload(const std::filesystem::path& from, const std::string& to, unsigned mode, Deadline,
              std::stop_token) override {
    files[to] = read_file(from);
    modes[to] = mode;
  }
  void download(const std::string& from, const std::filesystem::path& to, Deadline,
                std::stop_token) override {
    write_file_atomically(to, files.at(from));
  }
  int interact(const Words&, std::stop_token) override { return 0; }

  /// How many commands have `word` in them.
  int count(const std::string& word) const {
    int found = 0;
    for (const Words& command : commands) {
      for (const std::string& each : command) found += each == word;
    }
    return found;
  }

  std::function<int(const Words&, const OnOutput&)> on_run;  // none: all succeeds in silence
  std::vector<Words> commands;
  std::map<std::string, std::string> files;
  std::map<std::string, unsigned> modes;
};

}  // namespace toehold::test
