#include "runner/controller/sandbox_instance.hpp"
#include "runner/agent/run_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "runner/agent/aws_reach.hpp"
#include "runner/agent/document_source.hpp"
#include "runner/agent/run_session.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/terminal_program.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"
#include "runner/controller/cleanup_layer.hpp"
#include "runner/controller/layer_key.hpp"
#include "runner/controller/sandbox_base.hpp"
#include "runner/controller/sandbox_machine.hpp"
#include "runner/controller/step_watch.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

/// Bash where the base has it; a base of busybox has sh.
const std::vector<std::string> interactive_shell{
    "sh", "-c", "command -v bash >/dev/null && exec bash -i; exec sh -i"};
constexpr const char* step_folder = "/run/toehold-step";  // in the sandbox, for a shell

/// Clean but for what the network needs; the same on every machine, so that layers are, too.
std::vector<std::pair<std::string, std::string>> step_environment() {
  std::vector<std::pair<std::string, std::string>> environment{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/root"},
      {"USER", "root"},
      {"LOGNAME", "root"},
      {"LANG", "C.UTF-8"}};
  for (const char* name :
       {"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}) {
    if (const char* value = std::getenv(name)) environment.emplace_back(name, value);
  }
  return environment;
}

void tell(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace

WrittenOutput SandboxSnapshot::write(const OutputSpec& output, const fs::path& path,
                                     std::stop_token stop) {
  const OverlayStack stack = *files();
  OverlayStack dated = stack;
  if (base_.folder == "/") dated.base.clear();  // something is always new on a machine at work
  return write_output(output.type, stack, image_config(recipe_), output_epoch(dated, stop), path,
                      stop);
}

void SandboxSnapshot::add_layer(const fs::path& files, const std::string& what) {
  layers_.insert(layers_.begin(), files);
  step_layers_.emplace_back("clean-up", files);
  key_ = digest_of(DigestAlgorithm::sha256, key_ + what);
}

std::optional<OverlayStack> SandboxSnapshot::files() const {
  OverlayStack stack;
  stack.base = base_.folder;
  stack.layers.assign(base_.layers.rbegin(), base_.layers.rend());
  stack.base_layers = stack.layers.size();
  stack.layers.insert(stack.layers.end(), layers_.rbegin(), layers_.rend());
  stack.user_xattrs = in_user_namespace();
  return stack;
}

SandboxInstance::SandboxInstance(const Recipe& recipe, const BuildContext& context,
                                 const SandboxSnapshot* from)
    : recipe_(recipe),
      context_(context),
      options_(sandbox_options(recipe)),
      folder_(context.directory / (from ? "sandbox-test" : "sandbox")),
      shared_(state_base() / "cache" / "layers"),
      own_(folder_ / "layers") {
  if (from) {
    base_ = from->base();
    first_layers_ = from->layers();
    first_key_ = from->key();
    on_snapshot_ = true;
  } else {
    base_ = prepare_base(options_.base, context_.processes, tell, context_.stop);
    first_key_ = base_.key;
  }
  record_ = context_.inventory.plan(sandbox_target, "folder", folder_.string());
  context_.inventory.set_state(record_, "created");
}

SandboxInstance::~SandboxInstance() {
  try {
    shared_.make_durable();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "warning: the cache: %s\n", error.what());
  }
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
    return;
  }
  std::error_code error;
  fs::remove_all(folder_, error);
  if (!error) context_.inventory.set_state(record_, "removed");
}

StageEnd SandboxInstance::run(const Stage& stage) {
  make_machine();
  const ActionRegistry actions(machine_->actions(context_.command.actions));
  RunOptions options;
  options.request.phases = stage.phases;
  options.request.state_directory = stage.state_directory.string();
  options.request.log_directory = stage.log_directory.string();
  options.filter.phases = split(stage.phases, ',');
  options.view = context_.view;
  options.result = "never";
  options.start_over = true;  // what is done already is taken from the layers
  RunSite site;
  site.actions = &actions;
  site.platform = read_platform(base_.folder == "/" ? "" : base_.folder);
  site.probe = machine_->probe(context_.stop);
  site.read_document = [this](const std::string& path) { return read_document(path); };
  StepWatch watch(steps_, failed_);
  failed_.clear();
  steps_.clear();
  site.sinks = {&watch};
  if (context_.watcher) site.sinks.push_back(context_.watcher);
  site.stands_alone = false;
  AwsReach aws(context_.stop);
  RunSession session(options, context_.command, aws, std::move(site));
  const ExitCode code = session.run(make_plan(stage.documents, options.filter));
  if (code == ExitCode::success) return StageEnd::succeeded;
  return code == ExitCode::failure ? StageEnd::failed : StageEnd::interrupted;
}

std::vector<StepForecast> SandboxInstance::forecast(const Stage& stage, bool& all_cached) {
  forecasting_ = true;
  run(stage);
  std::vector<StepForecast> rows;
  std::set<std::string> seen;
  for (const ManifestStep& step : steps_) {
    seen.insert(step.id);
    StepForecast row{step.id, step.phase + "." + step.name, "skipped", "its condition is false"};
    bool has_verdict = false;
    for (const CacheVerdict& verdict : machine_->verdicts()) {
      if (verdict.step != step.id || row.outcome == "runs") continue;
      has_verdict = true;
      row.outcome = verdict.cached ? "cached" : "runs";
      row.why = verdict.why;
    }
    // What calls other documents does nothing itself: their steps are in the list.
    if (has_verdict || step.result == "skipped") rows.push_back(std::move(row));
  }
  for (StepForecast& row : forecast_all_run(stage, "a step before it is run")) {
    if (!seen.contains(row.step)) rows.push_back(std::move(row));
  }
  all_cached = std::none_of(rows.begin(), rows.end(),
                            [](const StepForecast& row) { return row.outcome == "runs"; });
  return rows;
}

void SandboxInstance::choose(const std::string& step, StepChoice choice) {
  overrides_[step] = choice == StepChoice::skip ? StepOverride::skip : StepOverride::take_as_done;
  if (choice == StepChoice::skip) return;
  // What the step left, and what was mended by hand, becomes its layer.
  const SandboxRoot root = root_for_shell();
  const fs::path taken = folder_ / "taken" / step;
  std::error_code error;
  fs::remove_all(taken, error);
  make_private_directory(taken);
  fs::rename(root.upper, taken / "fs");
}

int SandboxInstance::shell(const std::vector<std::string>& command) {
  ActionRequest request;
  request.root = root_for_shell();
  request.root->binds.push_back((folder_ / "step").string() + ":" + step_folder + ":ro");
  write_step_files();
  request.environment = step_environment();
  if (const char* terminal = std::getenv("TERM")) {
    request.environment.emplace_back("TERM", terminal);
  }
  request.environment.emplace_back("TOEHOLD_STEP_FILES", step_folder);
  request.working_directory = conditions().working_directory;
  request.command = command.empty() ? interactive_shell : command;
  const fs::path file = folder_ / "shell.json";
  write_file_atomically(file, encode_request(request));
  return run_on_terminal({"/proc/self/exe", "act", file.string()});
}

std::unique_ptr<Snapshot> SandboxInstance::snapshot() {
  std::vector<fs::path> layers = machine_->layers();
  layers.resize(layers.size() - base_.layers.size());
  return cleaned(std::make_unique<SandboxSnapshot>(recipe_, base_, std::move(layers),
                                                   machine_->step_layers(), machine_->key()));
}

/// In a layer of its own above all steps, so that these are found in the cache as before.
std::unique_ptr<SandboxSnapshot> SandboxInstance::cleaned(
    std::unique_ptr<SandboxSnapshot> snapshot) const {
  const bool wanted =
      options_.cleanup == "always" || (options_.cleanup != "never" && base_.folder != "/");
  if (!wanted || on_snapshot_) return snapshot;
  const OverlayStack stack = *snapshot->files();
  const auto items = find_for_cleanup(stack, recipe_.working_directory);
  if (items.empty()) return snapshot;
  const fs::path place = folder_ / "cleaned";
  std::error_code error;
  fs::remove_all(place, error);
  make_private_directory(place);
  write_cleanup_layer(stack, items, place / "fs");
  std::string what;
  for (const CleanupItem& item : items) {
    what += "\n  " + std::string(item.only_emptied ? "emptied  /" : "removed  /") + item.path;
  }
  if (!forecasting_) {
    tell("== clean-up" + what);
  }
  snapshot->add_layer(place / "fs", what);
  return snapshot;
}

void SandboxInstance::keep() {
  kept_ = true;
  if (!machine_) return;
  write_step_files();
  ActionRequest request;
  request.root = machine_->root_for_shell();
  write_file_atomically(kept_file(), encode_request(request));
}

LayerConditions SandboxInstance::conditions() const {
  LayerConditions conditions;
  conditions.environment = step_environment();
  conditions.working_directory =
      recipe_.working_directory.empty() ? "/tmp" : recipe_.working_directory;
  conditions.offline = options_.offline;
  for (const std::string& bind : options_.bind) {
    const auto parsed = parse_bind(bind);
    if (parsed) conditions.binds.push_back(bind + " " + folder_fingerprint(parsed->source));
  }
  return conditions;
}

void SandboxInstance::make_machine() {
  SandboxSetup setup;
  setup.base = base_.folder;
  setup.base_key = first_key_;
  setup.layers = first_layers_;
  setup.layers.insert(setup.layers.end(), base_.layers.begin(), base_.layers.end());
  setup.folder = folder_;
  setup.conditions = conditions();
  for (const std::string& bind : options_.bind) {
    if (const auto parsed = parse_bind(bind)) {
      setup.binds.push_back(parsed->source + ":" + parsed->place + (parsed->writable ? "" : ":ro"));
    }
  }
  setup.use_cache = context_.use_cache;
  setup.refresh = {context_.refresh.begin(), context_.refresh.end()};
  setup.overrides = overrides_;
  if (on_snapshot_) setup.ground = "the image";
  setup.forecast = forecasting_;
  machine_.emplace(std::move(setup), shared_, own_, context_.processes, context_.clock);
}

SandboxRoot SandboxInstance::root_for_shell() {
  if (machine_) return machine_->root_for_shell();
  std::error_code error;
  if (!fs::exists(kept_file(), error)) make_machine();
  if (machine_) return machine_->root_for_shell();
  return *decode_request(read_file(kept_file())).root;
}

SourcePtr SandboxInstance::read_document(const std::string& path) {
  std::error_code error;
  const bool here_first = !path.starts_with('/') && fs::exists(path, error);
  if (!here_first) {
    if (auto text = machine_->read_file_inside(path, context_.stop)) {
      return std::make_shared<SourceText>(path, std::move(*text));
    }
  }
  return read_document_file(path);
}

void SandboxInstance::write_step_files() {
  make_private_directory(folder_ / "step");
  if (!machine_ || !machine_->last_step()) return;  // what is there is of the process before
  const auto& last = machine_->last_step();
  write_file_atomically(folder_ / "step" / "inputs.json", to_json(last->request.inputs, 2) + "\n");
  const Value* commands = last->request.inputs.find("commands");
  if (!commands) return;
  std::string script;
  for (const Value& command : commands->list()) script += command.text() + "\n";
  write_file_atomically(folder_ / "step" / "script.sh", script, 0700);
}

}  // namespace toehold
