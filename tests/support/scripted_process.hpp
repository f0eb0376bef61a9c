// A ProcessRunner for tests: plays back what a program is said to do and keeps the commands it was
// given. Starts nothing.
#pragma once

#include <deque>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/process.hpp"

namespace toehold::test {

class ScriptedProcess final : public ProcessRunner {
 public:
  struct Play {
    ProcessResult result;
    std::vector<std::pair<Stream, std::string>> output;
  };

  /// One play a call, in order; the last one is repeated.
  void add(Play play) { plays_.push_back(std::move(play)); }
  void add_exit(int code, std::string out = {}, std::string err = {}) {
    Play play;
    play.result.exit_code = code;
    if (!out.empty()) play.output.emplace_back(Stream::out, std::move(out));
    if (!err.empty()) play.output.emplace_back(Stream::err, std::move(err));
    add(std::move(play));
  }

  ProcessResult run(const Command& command, const OnOutput& on_output, const OnStart& on_start,
                    Deadline deadline, std::stop_token) override {
    commands.push_back(command);
    deadlines.push_back(deadline);
    if (on_run) on_run(command);
    if (plays_.empty()) throw std::logic_error("the test has no play for this command");
    const Play play = plays_.front();
    if (plays_.size() > 1) plays_.pop_front();
    if (!play.result.start_error.empty()) return play.result;
    if (on_start) on_start(static_cast<int>(1000 + commands.size()));
    for (const auto& [stream, bytes] : play.output) on_output(stream, bytes);
    return play.result;
  }

  std::vector<Command> commands;
  std::function<void(const Command&)> on_run;
  std::vector<Deadline> deadlines;

 private:
  std::deque<Play> plays_;
};

}  // namespace toehold::test
