// What `run` was asked for, beyond the RunRequest that awstoe knows. Filled by run.cpp, read by the
// session and by explain.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/platform.hpp"
#include "runner/document/validator.hpp"
#include "runner/engine/condition_evaluator.hpp"
#include "runner/engine/event_sink.hpp"
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
  std::string stream;           // file that gets events and output together; empty: none
  std::string nested;           // JSON file: name of a nested document -> the file that has it
  bool record_files = false;    // which files each step changes, in files.jsonl of the log folder
  InDoubt in_doubt = InDoubt::fail;
  bool explain = false;
  bool start_over = false;
  bool strict = false;
  int kill_grace_seconds = 10;
};

/// Where the steps happen, if that is not here: a sandbox's actions and what it knows of itself.
struct RunSite {
  const ActionRegistry* actions = nullptr;
  std::optional<Platform> platform;
  std::optional<MachineProbe> probe;
  /// The file of a document that an ExecuteDocument step names.
  std::function<SourcePtr(const std::string& path)> read_document;
  std::vector<EventSink*> sinks;  // further ones, behind the redactor
  /// Whether the screen says how to go on from a failed step with this command, and where the logs
  /// are; what has a run as one of its parts says that itself.
  bool stands_alone = true;
};

}  // namespace toehold
