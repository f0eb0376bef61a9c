// Events: past-tense facts of a run, and the only thing the engine tells the outside. The journal,
// the console, the log files and (later) the controller are readers of this one stream.
// One Fields table per record gives its JSON form and its row in docs/reference/events.md; records
// only ever gain fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/process.hpp"
#include "runner/base/value.hpp"

namespace toehold {

// Ids. A document's id is its number on the command line ("0"), or for a nested one its calling
// step's id and ">0". A step's id is "<document id>/<phase>/<step>"; a loop's iteration adds "#3"
// before the ">" of a nested document.

struct RunStarted {
  int format = 1;
  std::string version;  // of this program
  std::string execution_id;
  std::string fingerprint;  // of documents, parameters and phases; a resumed run must have the same
  Value documents;          // list of {path, name, sha256}
  std::string phases;       // as asked, "" = all
  std::string log_directory;  // absolute
  std::string boot_id;
};
struct Resumed {
  std::string boot_id;
  std::string reason;  // "reboot" or "interruption"
};
struct DocumentStarted {
  std::string document;  // id
  std::string parent;    // id of the calling step, or ""
  std::string path;      // as given
  std::string name;
  std::string description;
  std::string execution_id;
  std::string sha256;  // of its text
};
struct PhaseStarted {
  std::string document;
  std::string phase;
};
struct StepStarted {
  std::string step;  // id
  std::string document;
  std::string phase;
  std::string name;
  std::string action;
  std::int64_t line = 0;  // in the document
  std::int64_t timeout_seconds = 0;
  std::string on_failure;
  std::int64_t max_attempts = 1;
  std::string decision;  // of `if`: "", "Execute", "Skip", "Abort"; never evaluated again
  Value loop;            // as written, or null
  bool logging = true;   // false: disableLogging
};
struct AttemptStarted {
  std::string step;
  std::int64_t attempt = 1;
};
struct IterationStarted {
  std::string step;
  std::int64_t index = 0;
  std::string value;
};
struct ProcessStarted {  // not durable by itself
  std::string step;
  std::int64_t pid = 0;
};
struct IterationFinished {
  std::string step;
  std::int64_t index = 0;
  std::string message;  // "" when it succeeded
  Value inputs;         // list of maps
  Value outputs;        // list of maps
};
struct AttemptFinished {
  std::string step;
  std::int64_t attempt = 1;
  std::string result;  // "success", "failed", "timedOut", "cancelled", "inDoubt"
  std::string message;
  std::optional<int> exit_code;
};
struct RebootRequested {
  std::string step;
  std::string resume;           // "nextStep" or "sameStep"
  std::int64_t iteration = -1;  // the loop's iteration that asked, or -1
  std::int64_t delay_seconds = 0;
  std::string boot_id;
  Value inputs;  // resolved; the same step runs again with the same inputs
};
struct StepFinished {
  std::string step;
  std::string status;  // "success", "failed", "ignoredFailure", "skipped"
  std::string message;
  std::optional<int> exit_code;
  Value inputs;   // list of maps, resolved
  Value outputs;  // list of maps
  std::int64_t attempts = 0;
  double seconds = 0;
  std::optional<bool> cached{};  // true: nothing was run, an earlier build had done the same
};
struct PhaseFinished {
  std::string document;
  std::string phase;
  std::string status;  // "success", "failed", "successWithIgnoredFailure"
  std::string message;
};
struct DocumentFinished {
  std::string document;
  std::string status;
  std::string message;
};
/// A progress line of the program itself; `level` as in LogLevel: "info", "warning", "error".
struct Note {
  std::string step;  // or ""
  std::string level;
  std::string text;
};
/// A parameter of Parameter Store has its value for this run. Reports see *** in its place.
struct ParameterRead {
  std::string name;
  std::string type;  // "String", "StringList" or "SecureString"
  std::string value;
};
/// What a step prints. Never in the journal: it may be endless.
struct Output {
  std::string step;
  Stream stream = Stream::out;
  std::string_view bytes;
  bool logging = true;
};
struct RunFinished {
  std::string status;
  std::string message;
  std::int64_t executed_steps = 0;
  std::int64_t failed_steps = 0;
  std::int64_t ignored_failed_steps = 0;
};

using EventData = std::variant<RunStarted, Resumed, DocumentStarted, PhaseStarted, StepStarted,
                               AttemptStarted, IterationStarted, ProcessStarted, IterationFinished,
                               AttemptFinished, RebootRequested, StepFinished, PhaseFinished,
                               DocumentFinished, Note, ParameterRead, Output, RunFinished>;

struct Event {
  std::uint64_t seq = 0;  // counts from 1 over the whole run, reboots included; 0 for Output
  UnixMillis time = 0;
  EventData data;
};

/// One row per record: the `type` of its JSON form and what it means.
struct EventInfo {
  std::string type;  // "stepStarted"
  std::string doc;
  std::vector<FieldInfo> fields;
};
std::vector<EventInfo> event_table();

/// {"seq", "time" (RFC 3339 with milliseconds), "type", ...fields}
Value encode_event(const Event& event);
/// Throws Error(state) for a record that is not one of ours.
Event decode_event(const Value& value);

/// Counted as successful: "success", "skipped", "ignoredFailure", "successWithIgnoredFailure".
bool is_success(std::string_view status);

}  // namespace toehold
