#include "runner/report/application_log.hpp"

#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/redactor.hpp"

namespace toehold {

namespace {

constexpr std::size_t longest_value = 600;

/// `value` with what its keys call secret masked, and long texts cut.
Value shown(const Value& value) {
  Value result = value;
  if (value.is_list()) {
    for (Value& item : result.list()) item = shown(item);
  } else if (value.is_map()) {
    for (auto& member : result.map()) {
      member.value = looks_secret(member.key) ? Value("***") : shown(member.value);
    }
  } else if (value.text().size() > longest_value) {
    result = Value(to_valid_utf8(value.text().substr(0, longest_value)) + "... (" +
                   format_size(value.text().size()) + ")");
  }
  return result;
}

/// `stdout (5 B)`: the names of the outputs and how long they are.
std::string sizes_of(const Value& outputs) {
  std::string text;
  for (const Value& item : outputs.list()) {
    for (const auto& member : item.map()) {
      text += (text.empty() ? "" : ", ") + member.key;
      if (member.value.is_scalar()) text += " (" + format_size(member.value.text().size()) + ")";
    }
  }
  return text;
}

std::string with_message(const std::string& message) {
  return message.empty() ? "" : ": " + message;
}

std::string exit_code_text(const std::optional<int>& code) {
  return code ? ", exit code " + std::to_string(*code) : "";
}

std::string describe(const RunStarted& run) {
  std::string text = "run " + run.execution_id + ": version " + run.version + ", phases " +
                     (run.phases.empty() ? "all" : run.phases);
  for (const Value& document : run.documents.list()) {
    const Value* path = document.find("path");
    const Value* digest = document.find("sha256");
    if (path && digest) text += ", document " + path->text() + " (SHA-256 " + digest->text() + ")";
  }
  return text;
}

std::string describe(const StepStarted& step) {
  std::string text = "step " + step.step + " begins: " + step.action + ", line " +
                     std::to_string(step.line) + ", timeoutSeconds " +
                     std::to_string(step.timeout_seconds) + ", onFailure " + step.on_failure +
                     ", maxAttempts " + std::to_string(step.max_attempts);
  if (!step.decision.empty()) text += ", its if came to " + step.decision;
  if (!step.loop.is_null()) text += ", loop " + to_json(shown(step.loop));
  if (!step.logging) text += ", disableLogging";
  return text;
}

std::string describe(const RebootRequested& reboot) {
  std::string text = "step " + reboot.step + " asks for a reboot";
  if (reboot.iteration >= 0) text += " at loop index " + std::to_string(reboot.iteration);
  text += reboot.resume == "sameStep" ? ", and runs again after it" : ", and is done";
  return text + "; delay " + std::to_string(reboot.delay_seconds) + " s, boot " + reboot.boot_id;
}

std::string describe(const RunFinished& run) {
  return "run ends: " + run.status + ", " + std::to_string(run.executed_steps) + " run, " +
         std::to_string(run.failed_steps) + " failed, " + std::to_string(run.ignored_failed_steps) +
         " failed and ignored" + with_message(run.message);
}

LogLevel level_of(const Note& note) {
  return note.level == "error"     ? LogLevel::error
         : note.level == "warning" ? LogLevel::warning
                                   : LogLevel::info;
}

}  // namespace

void ApplicationLog::attempt_finished(UnixMillis time, const AttemptFinished& data) {
  std::string text = "step " + data.step + ": attempt " + std::to_string(data.attempt) + " " +
                     data.result + exit_code_text(data.exit_code);
  // One that is in doubt began in another process.
  if (const auto at = running_.find(data.step); at != running_.end()) {
    text += ", " + format_duration(static_cast<double>(time - at->second.attempt_begun) / 1000);
  }
  log(LogLevel::debug, text + with_message(data.message));
}

void ApplicationLog::step_finished(const StepFinished& data) {
  if (!data.inputs.list().empty()) {
    log(LogLevel::debug, "step " + data.step + " had inputs " + to_json(shown(data.inputs)));
  }
  std::string text = "step " + data.step + " ends: " + data.status + exit_code_text(data.exit_code);
  if (data.attempts > 0) {
    text += ", " + count_of(static_cast<std::size_t>(data.attempts), "attempt") + ", " +
            format_duration(data.seconds);
  }
  if (const auto at = running_.find(data.step); at != running_.end()) {
    if (at->second.printed != 0) text += ", printed " + format_size(at->second.printed);
    running_.erase(at);
  }
  if (const std::string sizes = sizes_of(data.outputs); !sizes.empty())
    text += ", outputs " + sizes;
  const LogLevel level = data.status == "failed"           ? LogLevel::error
                         : data.status == "ignoredFailure" ? LogLevel::warning
                                                           : LogLevel::info;
  log(level, text + with_message(data.message));
}

void ApplicationLog::on(const Event& event) {
  const auto tell = [&]<class T>(const T& data) {
    if constexpr (std::is_same_v<T, RunStarted> || std::is_same_v<T, StepStarted> ||
                  std::is_same_v<T, RebootRequested> || std::is_same_v<T, RunFinished>) {
      log(LogLevel::info, describe(data));
    } else if constexpr (std::is_same_v<T, Resumed>) {
      log(LogLevel::info, "goes on after: " + data.reason + ", boot " + data.boot_id);
    } else if constexpr (std::is_same_v<T, DocumentStarted>) {
      log(LogLevel::info, "document " + data.document + " begins: " + data.path + ", execution " +
                              data.execution_id + ", SHA-256 " + data.sha256);
    } else if constexpr (std::is_same_v<T, PhaseStarted>) {
      log(LogLevel::info, "phase " + data.phase + " of document " + data.document + " begins");
    } else if constexpr (std::is_same_v<T, AttemptStarted>) {
      running_[data.step].attempt_begun = event.time;
      log(LogLevel::debug, "step " + data.step + ": attempt " + std::to_string(data.attempt));
    } else if constexpr (std::is_same_v<T, IterationStarted>) {
      log(LogLevel::debug, "step " + data.step + ": loop index " + std::to_string(data.index) +
                               ", value " + to_json(shown(Value(data.value))));
    } else if constexpr (std::is_same_v<T, ProcessStarted>) {
      log(LogLevel::debug, "step " + data.step + ": process " + std::to_string(data.pid));
    } else if constexpr (std::is_same_v<T, IterationFinished>) {
      log(LogLevel::debug, "step " + data.step + ": loop index " + std::to_string(data.index) +
                               " is over, inputs " + to_json(shown(data.inputs)) +
                               with_message(data.message));
    } else if constexpr (std::is_same_v<T, AttemptFinished>) {
      attempt_finished(event.time, data);
    } else if constexpr (std::is_same_v<T, StepFinished>) {
      step_finished(data);
    } else if constexpr (std::is_same_v<T, PhaseFinished>) {
      log(LogLevel::info, "phase " + data.phase + " of document " + data.document +
                              " ends: " + data.status + with_message(data.message));
    } else if constexpr (std::is_same_v<T, DocumentFinished>) {
      log(LogLevel::info,
          "document " + data.document + " ends: " + data.status + with_message(data.message));
    } else if constexpr (std::is_same_v<T, Note>) {
      log(level_of(data), data.step.empty() ? data.text : "step " + data.step + ": " + data.text);
    } else if constexpr (std::is_same_v<T, ParameterRead>) {
      log(LogLevel::debug, "parameter " + data.name + " read, type " + data.type);
    } else if constexpr (std::is_same_v<T, Output>) {
      running_[data.step].printed += data.bytes.size();
    }
  };
  std::visit(tell, event.data);
}

}  // namespace toehold
