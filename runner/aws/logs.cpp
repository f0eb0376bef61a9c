#include "runner/aws/logs.hpp"

#include <algorithm>
#include <cassert>

#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr UnixMillis minute = 60 * 1000;
// The service's limits less what our clocks may disagree in.
constexpr UnixMillis oldest = (14 * 24 * 60 - 60) * minute;
constexpr UnixMillis newest = (2 * 60 - 5) * minute;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// The length of the beginning of `text` that makes one event; no character is cut in two.
std::size_t event_length(std::string_view text) {
  if (text.size() <= LogBatch::longest_text) return text.size();
  std::size_t length = LogBatch::longest_text;
  while ((static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return length;
}

/// How many events `text` makes, or one more.
std::size_t most_events_of(std::string_view text) {
  return text.size() <= LogBatch::longest_text ? 1 : text.size() / (LogBatch::longest_text - 3) + 1;
}

/// The batch as such is wrong; sent again it would be wrong again.
bool is_hopeless(const Failure& failure) {
  return failure.status == 413 || failure.code == "InvalidParameterException" ||
         failure.code == "ValidationException" || failure.code == "SerializationException";
}

std::size_t number_at(const Value& info, const char* key, std::size_t otherwise) {
  const Value* value = info.find(key);
  const auto number = value ? value->as_int() : std::nullopt;
  return number && *number >= 0 ? static_cast<std::size_t>(*number) : otherwise;
}

RejectedEvents read_rejections(const std::string& body, std::size_t count) {
  if (trim(body).empty()) return {};
  const Value answer = parse_json(body);
  const Value* info = answer.find("rejectedLogEventsInfo");
  if (!info || !info->is_map()) return {};
  // The first two are ends, the third a begin.
  const std::size_t too_old = std::min(number_at(*info, "tooOldLogEventEndIndex", 0), count);
  const std::size_t expired = std::min(number_at(*info, "expiredLogEventEndIndex", 0), count);
  const std::size_t too_new = std::min(number_at(*info, "tooNewLogEventStartIndex", count), count);
  RejectedEvents rejected;
  rejected.count = std::min(count, std::max(too_old, expired) + (count - too_new));
  if (rejected.count == 0) return {};
  if (too_old > 0) rejected.why = "older than 14 days";
  if (expired > too_old) rejected.why = "older than the group's retention period";
  if (too_new < count) rejected.why += rejected.why.empty() ? "" : ", or ";
  if (too_new < count) rejected.why += "more than 2 hours ahead of the service's clock";
  return rejected;
}

}  // namespace

std::string to_string(const LogTarget& target) {
  return "log stream " + target.group + ":" + target.stream;
}

void check_log_group(const std::string& name) {
  const bool allowed = std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == '/' || c == '#';
  });
  if (allowed && !name.empty() && name.size() <= 512) return;
  throw Error(Error::Kind::usage, "'" + name + "' cannot be the name of a log group",
              "write 1 to 512 letters, digits, '.', '-', '_', '/' or '#'");
}

void check_log_stream(const std::string& name) {
  const bool allowed = name.find_first_of(":*") == std::string::npos && !find_invalid_utf8(name);
  if (allowed && !name.empty() && name.size() <= 512) return;
  throw Error(Error::Kind::usage, "'" + name + "' cannot be the name of a log stream",
              "write 1 to 512 characters without ':' and '*'");
}

void LogBatch::begin(UnixMillis now) {
  json_.clear();
  count_ = 0;
  bytes_ = 0;
  now_ = now;
}

bool LogBatch::add(UnixMillis time, std::string_view text) {
  assert(text.size() <= longest_text);
  if (text.empty()) return true;
  std::string valid;
  if (find_invalid_utf8(text)) text = valid = to_valid_utf8(text);
  if (time < now_ - oldest || time > now_ + newest) time = now_;
  time = std::min(std::max(time, last_time_), now_ + newest);

  const std::size_t events = most_events_of(text);
  const std::size_t most = bytes_ + text.size() + events * bytes_per_event;
  const bool is_late = time - first_time_ > longest_span;
  if (count_ > 0 && (most > most_bytes || count_ + events > most_events || is_late)) return false;
  if (count_ == 0) first_time_ = time;
  last_time_ = time;
  while (!text.empty()) {
    const std::size_t length = event_length(text);
    if (count_ > 0) json_ += ',';
    json_ += "{\"timestamp\":" + std::to_string(time) + ",\"message\":";
    append_json_string(json_, text.substr(0, length));
    json_ += '}';
    ++count_;
    bytes_ += length + bytes_per_event;
    text.remove_prefix(length);
  }
  return true;
}

Logs::Logs(Client& client, LogTarget target, Missing missing)
    : client_(client), target_(std::move(target)), makes_all_(missing == Missing::is_made) {}

Call Logs::make_call(const std::string& operation, const std::string& body) const {
  Call call = json_call(services::logs, "Logs_20140328." + operation, body);
  call.region = target_.region;
  call.resource = operation == "CreateLogGroup" ? "log group " + target_.group : to_string(target_);
  return call;
}

Answer Logs::call(const std::string& operation, const std::string& body, const Control& control) {
  return client_.send(make_call(operation, body), control);
}

void Logs::refuse(const std::string& operation, const Failure& failure, const Control& control) {
  throw client_.error_of(make_call(operation, {}), failure, control);
}

void Logs::create(const Control& control) {
  // The stream first: who may only write to a group that others have made needs no more rights.
  const std::string group = to_json(Value::object({{"logGroupName", target_.group}}));
  const std::string stream =
      to_json(Value::object({{"logGroupName", target_.group}, {"logStreamName", target_.stream}}));
  const auto exists = [](const Answer& answer) {
    return !answer.failure || answer.failure->code == "ResourceAlreadyExistsException";
  };
  Answer answer = call("CreateLogStream", stream, control);
  if (exists(answer)) return;
  if (answer.failure->code != "ResourceNotFoundException" || !makes_all_) {
    refuse("CreateLogStream", *answer.failure, control);
  }
  answer = call("CreateLogGroup", group, control);
  if (!exists(answer)) refuse("CreateLogGroup", *answer.failure, control);
  answer = call("CreateLogStream", stream, control);
  if (!exists(answer)) refuse("CreateLogStream", *answer.failure, control);
}

RejectedEvents Logs::put(const LogBatch& batch, const Control& control) {
  std::string body =
      to_json(Value::object({{"logGroupName", target_.group}, {"logStreamName", target_.stream}}));
  body.pop_back();
  body += ",\"logEvents\":[" + batch.json() + "]}";
  Answer answer = call("PutLogEvents", body, control);
  if (makes_all_ && answer.failure && answer.failure->code == "ResourceNotFoundException") {
    create(control);
    answer = call("PutLogEvents", body, control);
  }
  if (!answer.failure) return read_rejections(answer.body, batch.count());
  if (!is_hopeless(*answer.failure)) refuse("PutLogEvents", *answer.failure, control);
  return {batch.count(), answer.failure->code + ": " + answer.failure->message};
}

}  // namespace toehold::aws
