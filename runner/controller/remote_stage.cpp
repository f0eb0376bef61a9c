#include "runner/controller/remote_stage.hpp"

#include <utility>

#include "runner/agent/run_session.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/step_watch.hpp"
#include "runner/report/console.hpp"
#include "runner/report/file_log.hpp"

namespace toehold {

namespace {

fs::path memory_file(const fs::path& state_directory) {
  return state_directory / "stage.json";
}

}  // namespace

StageMemory read_stage_memory(const fs::path& state_directory) {
  StageMemory memory;
  std::error_code error;
  if (!fs::exists(memory_file(state_directory), error)) return memory;
  const Value value = parse_json(read_file(memory_file(state_directory), 64 << 20));
  const Value* done = value.find("done");
  memory.done = done && done->as_bool().value_or(false);
  if (const Value* failed = value.find("failedStep")) memory.failed_step = failed->text();
  if (const Value* steps = value.find("steps")) {
    for (const Value& step : steps->list()) {
      memory.steps.push_back(step_from(step, memory_file(state_directory).string()));
    }
  }
  return memory;
}

void write_stage_memory(const fs::path& state_directory, const StageMemory& memory) {
  Value::List steps;
  for (const ManifestStep& step : memory.steps) steps.push_back(to_value(step));
  const Value value = Value::object({{"done", memory.done},
                                     {"failedStep", memory.failed_step},
                                     {"steps", Value(std::move(steps))}});
  write_file_atomically(memory_file(state_directory), to_json(value) + "\n");
}

void begin_stage_anew(const BuildContext& context, bool for_test) {
  const fs::path state = context.directory / (for_test ? "state-test" : "state-build");
  std::error_code error;
  if (!fs::exists(state, error)) return;
  if (for_test && read_stage_memory(state).done) return;
  context.say("the machine of the earlier try is gone: " +
              std::string(for_test ? "the tests begin" : "the build begins") + " anew");
  // The stage itself last, so that one that is cut short here begins once more.
  std::vector<const char*> notes{"test-boot-id", "state-test"};
  if (!for_test) {
    notes.insert(notes.end(), {"packages.json", "packages-after.json", "cleaning", "cleaned",
                               "boot-id", "state-build"});
  }
  for (const char* note : notes) {
    fs::remove_all(context.directory / note, error);
    if (!error) continue;
    throw Error(Error::Kind::io, std::string("cannot remove ") + note + " of build " +
                                     context.build_id + ": " + error.message());
  }
}

void RemoteStages::choose(const std::string& step, StepChoice choice) {
  failed_ = step;
  choice_ = choice;
  if (choice == StepChoice::skip) {
    context_.say(
        "warning: " + step +
        " is left out, but what it has done stays: this target has no layers to take away");
  }
}

std::string step_after(const Stage& stage, const std::string& step) {
  bool found = false;
  for (const PlannedStep& planned : plan_of(stage).steps) {
    if (found) return planned.id;
    found = planned.id == step || planned.phase->name + "." + planned.step->name == step;
  }
  return {};
}

/// True when nothing stands behind the failed step.
bool RemoteStages::pass_over(const Stage& stage) {
  const std::string passed = memory_.failed_step.empty() ? failed_ : memory_.failed_step;
  for (ManifestStep& step : memory_.steps) {
    if (step.id == passed) step.result = *choice_ == StepChoice::skip ? "skipped" : "success";
  }
  choice_.reset();
  memory_.failed_step = step_after(stage, passed);
  return memory_.failed_step.empty();
}

RemoteEnd RemoteStages::follow(const Stage& stage, std::string& failed) {
  ConsoleOptions screen = screen_on_stderr(context_.view);
  screen.name_logs = false;  // the build says it
  if (context_.command.print) {
    screen.terminal.colour = false;
    screen.terminal.write = context_.command.print;
  }
  Console console(screen);
  StepWatch watch(memory_.steps, failed);
  std::vector<EventSink*> readers{&watch, &console};
  if (context_.watcher) readers.push_back(context_.watcher);
  Tee sinks(std::move(readers));
  const RemoteEnd end = agent_.run(
      stage, memory_.failed_step, sinks, [&](bool seen) { console.set_recalling(seen); },
      context_.stop);
  try {
    agent_.fetch_logs(end, stage, end.interrupted ? std::stop_token() : context_.stop);
    add_files(stage.log_directory / end.log_directory.substr(end.log_directory.rfind('/') + 1));
  } catch (const Error& error) {
    if (!end.interrupted)
      context_.say("warning: the logs are not all here: " + error.full_message());
  }
  return end;
}

void RemoteStages::add_files(const fs::path& logs) {
  std::error_code error;
  if (!fs::exists(logs / FileLog::name, error)) return;
  for (FileLogLine& line : read_file_log(logs / FileLog::name)) {
    for (ManifestStep& step : memory_.steps) {
      if (step.id == line.step) step.files = net_changes({step.files, std::move(line.files)});
    }
  }
}

StageEnd RemoteStages::run(const Stage& stage) {
  make_private_directory(stage.state_directory);
  make_private_directory(stage.log_directory);
  memory_ = read_stage_memory(stage.state_directory);
  if (memory_.done) return StageEnd::succeeded;
  if (choice_ && pass_over(stage)) {
    memory_.done = true;
    write_stage_memory(stage.state_directory, memory_);
    return StageEnd::succeeded;
  }
  std::string failed;
  const RemoteEnd end = follow(stage, failed);
  if (end.interrupted) {
    agent_.forget(stage);
    return StageEnd::interrupted;
  }
  if (!end.taken_back.empty()) {
    agent_.forget(stage);
    failed_ = failed;
    taken_back_ = end.taken_back;
    return StageEnd::taken_back;
  }
  return judge(stage, end, failed);
}

StageEnd RemoteStages::judge(const Stage& stage, const RemoteEnd& end, const std::string& failed) {
  const int code = end.exit_code.value_or(-1);
  const bool succeeded = code == static_cast<int>(ExitCode::success);
  if (succeeded || (code == static_cast<int>(ExitCode::failure) && !failed.empty())) {
    memory_.done = succeeded;
    failed_ = succeeded ? std::string() : failed;
    memory_.failed_step.clear();
    for (const ManifestStep& step : memory_.steps) {
      if (succeeded || step.result != "failed") continue;
      if (step.phase + "." + step.name == failed) memory_.failed_step = step.id;
    }
    // In this order: one that is forgotten and not done would run once more.
    write_stage_memory(stage.state_directory, memory_);
    agent_.forget(stage);
    return succeeded ? StageEnd::succeeded : StageEnd::failed;
  }
  if (code == static_cast<int>(ExitCode::reboot)) {
    throw Error(Error::Kind::unsupported, "a step wants a reboot, and this target cannot do one",
                "reboot the machine, then go on: toehold resume " + context_.build_id);
  }
  agent_.forget(stage);
  const std::string said(trim(printable(end.said)));
  throw Error(Error::Kind::process,
              "the agent ended with " +
                  (end.exit_code ? "exit code " + std::to_string(code) : end.message) +
                  (said.empty() ? "" : ": " + said));
}

}  // namespace toehold
