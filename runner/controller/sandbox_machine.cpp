#include "runner/controller/sandbox_machine.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"
#include "runner/controller/layer_miss.hpp"

namespace toehold {

namespace {

constexpr int most_repetitions = 10;  // of a step that asks for a reboot and is run again
// The process in the sandbox ends its step by itself when the time is over; this is for itself.
constexpr std::chrono::seconds grace(20);

/// The step's id, which the engine hands to its processes: "<execution> 0/build/Install".
std::string step_id(const ActionContext& context) {
  for (const auto& [name, value] : context.environment) {
    if (name == "TOEHOLD_STEP") return value.substr(value.find(' ') + 1);
  }
  return {};
}

/// "build.Install" of "0/build/Install".
std::string step_name(const std::string& id) {
  const std::size_t last = id.rfind('/');
  if (last == std::string::npos) return id;
  const std::size_t before = id.rfind('/', last - 1);
  return id.substr(before + 1, last - before - 1) + "." + id.substr(last + 1);
}

bool names_step(const std::set<std::string>& names, const std::string& step) {
  return names.contains(step) || names.contains(step.substr(step.find('.') + 1));
}

}  // namespace

SandboxMachine::SandboxMachine(SandboxSetup setup, LayerStore& shared, LayerStore& own,
                               ProcessRunner& processes, Clock& clock)
    : setup_(std::move(setup)),
      shared_(shared),
      own_(own),
      processes_(processes),
      clock_(clock),
      layers_(setup_.layers),
      key_(setup_.base_key) {
  make_private_directory(setup_.folder / "mount");
}

std::vector<Action> SandboxMachine::actions(const ActionRegistry& known) {
  std::vector<Action> actions;
  for (const ActionInfo* info : known.all_infos()) {
    Action action = *known.find(info->name);
    const std::string name = info->name;
    if (name == "Reboot") {
      action.run = [](const Value&, ActionContext& context) -> Outcome {
        context.note("A sandbox does not reboot: the next step begins with new processes anyway");
        return Succeeded{};
      };
    } else if (name != "ExecuteDocument") {  // the engine's own: its steps come here one by one
      action.run = [this, name](const Value& inputs, ActionContext& context) {
        return run(name, inputs, context);
      };
    }
    actions.push_back(std::move(action));
  }
  return actions;
}

Outcome SandboxMachine::run(const std::string& action, const Value& inputs,
                            ActionContext& context) {
  const std::string id = step_id(context);
  const std::string name = step_name(id);
  if (unfinished_ && unfinished_->step != id) seal_unfinished();
  if (auto outcome = decided_by_hand(id, context)) return *outcome;

  const std::string reason = why_not_cached(action, inputs);
  const bool shareable = !private_ && reason.empty();
  const std::string key = layer_key(key_, action, inputs, setup_.conditions);
  if (!unfinished_) {
    if (auto outcome = recall(key, id, shareable, context)) return *outcome;
  }
  const std::string why = why_not_taken(id, action, inputs, context);
  if (setup_.forecast) {
    verdicts_.push_back({id, false, why});
    return Failed{"not run, only explained", {}, {}};
  }

  const bool retried = unfinished_.has_value();
  if (!unfinished_) begin_upper(id);
  ActionRequest request;
  request.action = action;
  request.inputs = inputs;
  request.root = root(true);
  request.environment = setup_.conditions.environment;
  request.environment.insert(request.environment.end(), context.environment.begin(),
                             context.environment.end());
  request.working_directory = setup_.conditions.working_directory;
  request.umask = caller_umask();
  Outcome outcome = execute(request, context);
  last_step_ = LastStep{name, request};
  const auto* succeeded = std::get_if<Succeeded>(&outcome);
  if (!succeeded) {
    private_ = true;
    return outcome;
  }
  LayerRecord record;
  record.key = retried ? new_key() : key;
  record.parent = key_;
  record.action = action;
  record.step = name;
  record.outputs = Value(Value::List(succeeded->outputs.begin(), succeeded->outputs.end()));
  record.parts = key_parts(inputs, setup_.conditions);
  record.made = record.used = clock_.unix_millis();
  seal(std::move(record), shareable && !retried);
  return outcome;
}

/// The same was done by an earlier build, or in an earlier try of this one.
std::optional<Outcome> SandboxMachine::recall(const std::string& key, const std::string& id,
                                              bool shareable, ActionContext& context) {
  const bool wanted = setup_.use_cache && !names_step(setup_.refresh, step_name(id));
  LayerStore* store = nullptr;
  std::optional<LayerRecord> record;
  if (shareable && wanted && (record = shared_.find(key))) store = &shared_;
  if (!record && (record = own_.find(key))) store = &own_;
  if (!record) return std::nullopt;
  if (record->has_files) add_layer(id, store->files(*record));
  store->set_used(key, clock_.unix_millis());
  key_ = identity_of(*record);
  ++taken_;
  const std::string when = "done at " + rfc3339_utc(record->made);
  verdicts_.push_back({id, true, when});
  context.note("cached: " + record->action + " was " + when);
  return Succeeded{record->outputs.list(), true};
}

/// Why the step is run now; noted where a reader would expect it to be cached.
std::string SandboxMachine::why_not_taken(const std::string& id, const std::string& action,
                                          const Value& inputs, ActionContext& context) {
  const std::string never = why_not_cached(action, inputs);
  const bool first = !std::exchange(missed_, true);
  if (!never.empty()) {
    context.note("not cached: " + never);
    return "never cached: " + never;
  }
  if (!setup_.use_cache) return "--no-cache";
  if (names_step(setup_.refresh, step_name(id))) return "--refresh";
  if (!first || private_) return "a step before it is run";
  const std::string ground = key_ == setup_.base_key ? setup_.ground : "";
  const LayerMiss miss = explain_miss(
      shared_, {step_name(id), action, key_, ground, key_parts(inputs, setup_.conditions)});
  if (miss.known_step) context.note("not cached: " + miss.why);
  return miss.why;
}

std::optional<Outcome> SandboxMachine::decided_by_hand(const std::string& id,
                                                       ActionContext& context) {
  const std::string name = step_name(id);
  const auto at = setup_.overrides.find(name);
  if (at == setup_.overrides.end()) return std::nullopt;
  private_ = true;
  key_ = new_key();
  if (at->second == StepOverride::skip) {
    context.note("left out by hand");
    return Succeeded{};
  }
  const fs::path left = setup_.folder / "taken" / name / "fs";
  std::error_code error;
  if (fs::is_directory(left, error)) add_layer(id, left);
  context.note("taken as done, with what it left");
  return Succeeded{};
}

Outcome SandboxMachine::execute(ActionRequest& request, ActionContext& context) {
  for (int round = 0; round < most_repetitions; ++round) {
    Deadline outer;
    if (!context.deadline.never()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*context.deadline.at() -
                                                                     context.clock.monotonic());
      request.time_limit_ms = std::max<std::int64_t>(0, left.count());
      outer = Deadline(*context.deadline.at() + grace);
    }
    std::optional<Outcome> outcome;
    FrameReader frames([&](Frame kind, std::string_view payload) {
      if (kind == Frame::out) context.output(Stream::out, payload);
      if (kind == Frame::err) context.output(Stream::err, payload);
      if (kind == Frame::note) context.note(std::string(payload));
      if (kind == Frame::outcome) outcome = decode_outcome(std::string(payload));
    });
    std::string complaint;
    Command command{{"/proc/self/exe", "act"}, "/", {}, encode_request(request)};
    const ProcessResult result = processes_.run(
        command,
        [&](Stream stream, std::string_view bytes) {
          if (bytes.empty()) return context.output(Stream::out, {});
          if (stream == Stream::out) return frames.take(bytes);
          complaint.append(bytes.substr(0, 4096 - std::min<std::size_t>(4096, complaint.size())));
        },
        context.process_started, outer, context.stop);
    if (result.cancelled) return Failed{"cancelled", {}, {}, false, true};
    if (result.timed_out) return Failed{"timed out", {}, {}, true};
    if (!outcome) {
      const std::string why = complaint.empty() ? describe(result) : std::string(trim(complaint));
      return Failed{"the sandbox: " + why, {}, {}};
    }
    const auto* reboot = std::get_if<RebootRequired>(&*outcome);
    if (!reboot) return *outcome;
    if (reboot->resume == RebootRequired::Resume::next_step) return Succeeded{};
    context.note(
        "The step asks for a reboot (exit code 194); in a sandbox it is run again at once");
  }
  return Failed{"the step asked for a reboot " + std::to_string(most_repetitions) +
                    " times; that looks like a loop",
                {},
                {}};
}

void SandboxMachine::add_layer(const std::string& step, const fs::path& files) {
  layers_.insert(layers_.begin(), files);
  step_layers_.emplace_back(step, files);
}

void SandboxMachine::begin_upper(const std::string& step) {
  fs::path folder;
  do {
    folder = setup_.folder / ("upper-" + std::to_string(++uppers_));
  } while (fs::exists(folder));
  make_private_directory(folder);
  for (const char* name : {"fs", "work"}) {
    const fs::path path = folder / name;
    // It becomes the root folder of the sandbox.
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
      throw Error::from_errno("cannot make " + path.string(), errno);
    }
  }
  unfinished_ = Unfinished{folder, step};
}

void SandboxMachine::seal(LayerRecord record, bool shareable) {
  const auto [folder, step] = *unfinished_;
  unfinished_.reset();
  std::error_code error;
  fs::remove_all(folder / "work", error);
  LayerStore& store = shareable ? shared_ : own_;
  record = store.put(std::move(record), folder / "fs");
  if (record.has_files) add_layer(step, store.files(record));
  fs::remove_all(folder, error);
  key_ = identity_of(record);
}

/// What a step that failed has changed stays, as on any machine.
void SandboxMachine::seal_unfinished() {
  LayerRecord record;
  record.key = new_key();
  record.parent = key_;
  record.step = step_name(unfinished_->step);
  record.made = record.used = clock_.unix_millis();
  seal(std::move(record), false);
}

std::string SandboxMachine::new_key() {
  return random_hex(32);
}

SandboxRoot SandboxMachine::root(bool writable) const {
  SandboxRoot root;
  root.base = setup_.base;
  for (const fs::path& layer : layers_) root.layers.push_back(layer.string());
  if (unfinished_ && writable) {
    root.upper = unfinished_->folder / "fs";
    root.work = unfinished_->folder / "work";
  } else if (unfinished_) {
    root.layers.insert(root.layers.begin(), unfinished_->folder / "fs");
  }
  root.mount_point = setup_.folder / "mount";
  root.binds = setup_.binds;
  root.offline = setup_.conditions.offline;
  return root;
}

SandboxRoot SandboxMachine::root_for_shell() {
  if (!unfinished_) begin_upper("shell");
  return root(true);
}

std::vector<fs::path> SandboxMachine::layers() const {
  std::vector<fs::path> all = layers_;
  if (unfinished_) all.insert(all.begin(), unfinished_->folder / "fs");
  return all;
}

Outcome SandboxMachine::ask(const std::string& probe, const std::string& operand,
                            std::stop_token stop) {
  ActionRequest request;
  request.root = root(false);
  request.environment = setup_.conditions.environment;
  request.working_directory = setup_.conditions.working_directory;
  request.probe = probe;
  request.operand = operand;
  std::optional<Outcome> outcome;
  std::string complaint;
  FrameReader frames([&](Frame kind, std::string_view payload) {
    if (kind == Frame::outcome) outcome = decode_outcome(std::string(payload));
  });
  const Command command{{"/proc/self/exe", "act"}, "/", {}, encode_request(request)};
  const ProcessResult result = processes_.run(
      command,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) return frames.take(bytes);
        complaint += bytes;
      },
      [](int) {}, Deadline(), std::move(stop));
  if (outcome) return *outcome;
  throw Error(
      Error::Kind::process,
      "the sandbox: " + (complaint.empty() ? describe(result) : std::string(trim(complaint))));
}

MachineProbe SandboxMachine::probe(std::stop_token stop) {
  const auto answer = [this, stop](const char* question, const std::string& operand) {
    const Outcome outcome = ask(question, operand, stop);
    if (const auto* failed = std::get_if<Failed>(&outcome)) {
      throw Error(Error::Kind::io, failed->message);
    }
    const auto& outputs = std::get<Succeeded>(outcome).outputs;
    const Value* found = outputs.empty() ? nullptr : outputs.front().find("answer");
    return found ? *found : Value();
  };
  const auto yes = [answer](const char* question) {
    return [answer, question](const std::string& operand) {
      return answer(question, operand).as_bool().value_or(false);
    };
  };
  constexpr std::array names{"MD5", "SHA1", "SHA256", "SHA512"};
  return {yes("binaryExists"), yes("fileExists"), yes("folderExists"),
          [answer, names](DigestAlgorithm algorithm,
                          const std::string& path) -> std::optional<std::string> {
            const Value found = answer(names[static_cast<std::size_t>(algorithm)], path);
            if (found.is_null()) return std::nullopt;
            return found.text();
          }};
}

std::optional<std::string> SandboxMachine::read_file_inside(const std::string& path,
                                                            std::stop_token stop) {
  const Outcome outcome = ask("readFile", path, std::move(stop));
  const auto* succeeded = std::get_if<Succeeded>(&outcome);
  if (!succeeded || succeeded->outputs.empty()) return std::nullopt;
  const Value* text = succeeded->outputs.front().find("answer");
  return text ? std::optional(text->text()) : std::nullopt;
}

}  // namespace toehold
