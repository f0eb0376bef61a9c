// What the engine needs of the outside, handed in by the composition root. Everything that touches
// the world is a seam here, so that a test can run the real engine without one.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "runner/base/http.hpp"
#include "runner/base/object_store.hpp"
#include "runner/base/process.hpp"
#include "runner/document/validator.hpp"
#include "runner/engine/condition_evaluator.hpp"
#include "runner/engine/registry.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

/// What becomes of a step that was running when the machine or the program died, if its action is
/// not one that may be repeated.
enum class InDoubt { fail, rerun };

struct EngineServices {
  const ActionRegistry& actions;
  ProcessRunner& processes;
  HttpClient& http;
  ObjectStore& objects;
  Clock& clock;
  const Platform& platform;
  std::filesystem::path temp_root;
  std::stop_token stop;
  /// Reads and validates the document that an ExecuteDocument step names; throws Error.
  /// `bucket_owner`: the account that must own its bucket, or empty.
  std::function<LoadedDocument(const std::string& path, const std::string& bucket_owner)>
      load_document;
  std::function<void(const std::string& secret)> register_secret;
  bool strict = false;
  InDoubt in_doubt = InDoubt::fail;
  int max_reboots_per_step = 10;
  AwsLookups aws = {};
  MachineProbe probe = probe_here(processes, stop);
};

}  // namespace toehold
