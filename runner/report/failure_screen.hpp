// The one screen that a failed step gets: where, what with, why, its last words, and what to type
// next. Called by the console; a pure function of what it is given.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "runner/engine/event.hpp"
#include "runner/report/terminal.hpp"

namespace toehold {

struct FailedStep {
  std::string document_path;
  StepStarted started;
  StepFinished finished;
  std::vector<std::string> tail;  // its last lines of output
  bool in_doubt = false;
};

std::string failure_screen(const FailedStep& failed, const Terminal& terminal,
                           const std::string& retry_command, const std::string& log_directory);

}  // namespace toehold
