#include "runner/engine/remote_action.hpp"

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/json_record.hpp"

namespace toehold {

namespace {

constexpr std::size_t head_bytes = 5;
constexpr std::size_t most_payload = 64u << 20;

struct FlatRequest {
  Value root, inputs;
  std::string action, probe, operand, working_directory;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> environment;
  std::int64_t umask = 022, time_limit_ms = -1;
};

const Fields<FlatRequest>& request_fields() {
  // clang-format off
  static const Fields<FlatRequest> fields = Fields<FlatRequest>{}
      .optional("root", &FlatRequest::root, "The sandbox.")
      .optional("action", &FlatRequest::action, "Name of the action.")
      .optional("inputs", &FlatRequest::inputs, "Its inputs, resolved.")
      .optional("probe", &FlatRequest::probe, "What is asked of the machine.")
      .optional("operand", &FlatRequest::operand, "Of the probe.")
      .optional("command", &FlatRequest::command, "A program to become.")
      .optional("environment", &FlatRequest::environment, "The whole environment.")
      .optional("workingDirectory", &FlatRequest::working_directory, "Where it runs.")
      .optional("umask", &FlatRequest::umask, "For what it creates.")
      .optional("timeLimitMs", &FlatRequest::time_limit_ms, "-1: none.");
  // clang-format on
  return fields;
}

struct FlatOutcome {
  std::string kind;
  Value outputs;
  std::string message;
  std::optional<std::int64_t> exit_code;
  bool timed_out = false;
  bool cancelled = false;
  std::string resume;
  std::int64_t delay_seconds = 0;
};

const Fields<FlatOutcome>& outcome_fields() {
  // clang-format off
  static const Fields<FlatOutcome> fields = Fields<FlatOutcome>{}
      .required("kind", &FlatOutcome::kind, "succeeded, failed or reboot.")
      .optional("outputs", &FlatOutcome::outputs, "A list of maps.")
      .optional("message", &FlatOutcome::message, "Why it failed.")
      .optional("exitCode", &FlatOutcome::exit_code, "Of its program.")
      .optional("timedOut", &FlatOutcome::timed_out, "By its time limit.")
      .optional("cancelled", &FlatOutcome::cancelled, "By a signal.")
      .optional("resume", &FlatOutcome::resume, "nextStep or sameStep.")
      .optional("delaySeconds", &FlatOutcome::delay_seconds, "Before the reboot.");
  // clang-format on
  return fields;
}

Value list_of(const std::vector<Value>& items) {
  return Value(Value::List(items.begin(), items.end()));
}

}  // namespace

std::string encode_request(const ActionRequest& request) {
  FlatRequest flat;
  if (request.root) flat.root = sandbox_root_fields().encode(*request.root);
  flat.inputs = request.inputs;
  flat.action = request.action;
  flat.probe = request.probe;
  flat.operand = request.operand;
  flat.working_directory = request.working_directory;
  flat.command = request.command;
  flat.environment = request.environment;
  flat.umask = request.umask;
  flat.time_limit_ms = request.time_limit_ms;
  return to_json(request_fields().encode(flat));
}

ActionRequest decode_request(const std::string& text) {
  FlatRequest flat = decode_json(request_fields(), text, "the request");
  ActionRequest request;
  if (!flat.root.is_null()) {
    Diagnostics diagnostics(nullptr);
    request.root = sandbox_root_fields().decode(flat.root, "the sandbox", diagnostics);
    if (!request.root) throw Error(Error::Kind::document, diagnostics.items().front().message);
  }
  request.inputs = std::move(flat.inputs);
  request.action = std::move(flat.action);
  request.probe = std::move(flat.probe);
  request.operand = std::move(flat.operand);
  request.working_directory = std::move(flat.working_directory);
  request.command = std::move(flat.command);
  request.environment = std::move(flat.environment);
  request.umask = flat.umask;
  request.time_limit_ms = flat.time_limit_ms;
  return request;
}

std::string encode_frame(Frame kind, std::string_view payload) {
  std::string frame;
  frame.reserve(head_bytes + payload.size());
  frame += static_cast<char>(kind);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    frame += static_cast<char>(payload.size() >> shift & 0xff);
  }
  frame += payload;
  return frame;
}

void FrameReader::take(std::string_view bytes) {
  buffer_ += bytes;
  std::size_t at = 0;
  while (buffer_.size() - at >= head_bytes) {
    const std::string_view letters = "oenptr";
    std::size_t size = 0;
    for (std::size_t i = 4; i >= 1; --i) {
      size = size << 8 | static_cast<unsigned char>(buffer_[at + i]);
    }
    if (letters.find(buffer_[at]) == std::string_view::npos || size > most_payload) {
      throw Error(Error::Kind::process, "the process in the sandbox answers with what is no frame");
    }
    if (buffer_.size() - at - head_bytes < size) break;
    const std::string_view payload = std::string_view(buffer_).substr(at + head_bytes, size);
    on_frame_(static_cast<Frame>(buffer_[at]), payload);
    at += head_bytes + size;
  }
  buffer_.erase(0, at);
}

std::string encode_outcome(const Outcome& outcome) {
  FlatOutcome flat;
  if (const auto* succeeded = std::get_if<Succeeded>(&outcome)) {
    flat.kind = "succeeded";
    flat.outputs = list_of(succeeded->outputs);
  } else if (const auto* failed = std::get_if<Failed>(&outcome)) {
    flat.kind = "failed";
    flat.outputs = list_of(failed->outputs);
    flat.message = failed->message;
    flat.exit_code = failed->exit_code;
    flat.timed_out = failed->timed_out;
    flat.cancelled = failed->cancelled;
  } else {
    const auto& reboot = std::get<RebootRequired>(outcome);
    flat.kind = "reboot";
    flat.resume = reboot.resume == RebootRequired::Resume::same_step ? "sameStep" : "nextStep";
    flat.delay_seconds = reboot.delay.count();
  }
  return to_json(outcome_fields().encode(flat));
}

Outcome decode_outcome(const std::string& text) {
  FlatOutcome flat = decode_json(outcome_fields(), text, "the outcome");
  std::vector<Value> outputs;
  if (flat.outputs.is_list()) outputs = flat.outputs.list();
  if (flat.kind == "succeeded") return Succeeded{std::move(outputs)};
  if (flat.kind == "reboot") {
    return RebootRequired{flat.resume == "sameStep" ? RebootRequired::Resume::same_step
                                                    : RebootRequired::Resume::next_step,
                          std::chrono::seconds(flat.delay_seconds)};
  }
  Failed failed{std::move(flat.message), {}, std::move(outputs), flat.timed_out, flat.cancelled};
  if (flat.exit_code) failed.exit_code = static_cast<int>(*flat.exit_code);
  return failed;
}

}  // namespace toehold
