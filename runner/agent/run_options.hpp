// What `run` was asked for, beyond the RunRequest that awstoe knows. Filled by run.cpp, read by the
// session and by explain.
#pragma once

#include <string>
#include <vector>

#include "runner/document/validator.hpp"
#include "runner/engine/plan.hpp"
#include "runner/engine/run_request.hpp"
#include "runner/engine/services.hpp"

namespace toehold {

struct RunOptions {
  RunRequest request;
  PlanFilter filter;
  ValidationOptions rules;
  std::string view = "auto";    // auto, live, plain, none
  std::string result = "auto";  // auto, always, never: the JSON on stdout
  std::string reboot = "exit";  // exit, self
  InDoubt in_doubt = InDoubt::fail;
  bool explain = false;
  bool start_over = false;
  bool strict = false;
  int kill_grace_seconds = 10;
};

}  // namespace toehold
