#include "runner/engine/event.hpp"

#include <cstdio>
#include <ctime>
#include <type_traits>

#include "runner/base/error.hpp"

namespace toehold {

namespace {

template <class T>
struct Record {
  const char* type;
  const char* doc;
  Fields<T> fields;
};

// clang-format off
Record<RunStarted> make(const RunStarted*) {
  return {"runStarted", "The first record of a run.", Fields<RunStarted>{}
      .optional("format", &RunStarted::format, "Version of this record format.")
      .optional("version", &RunStarted::version, "Version of the program.")
      .optional("executionId", &RunStarted::execution_id, "Id of the run, kept over reboots.")
      .optional("fingerprint", &RunStarted::fingerprint, "SHA-256 over documents, parameters and phases.")
      .optional("documents", &RunStarted::documents, "List of {path, name, sha256}.")
      .optional("phases", &RunStarted::phases, "The phases asked for; empty: all.")
      .optional("logDirectory", &RunStarted::log_directory, "Absolute path of the log folder.")
      .optional("bootId", &RunStarted::boot_id, "Changes with every boot of the machine.")};
}
Record<Resumed> make(const Resumed*) {
  return {"resumed", "The run goes on in a new process.", Fields<Resumed>{}
      .optional("bootId", &Resumed::boot_id, "The boot that it goes on in.")
      .optional("reason", &Resumed::reason, "`reboot` after a requested one, else `interruption`.")};
}
Record<DocumentStarted> make(const DocumentStarted*) {
  return {"documentStarted", "A document begins.", Fields<DocumentStarted>{}
      .optional("document", &DocumentStarted::document, "Id of the document in this run.")
      .optional("parent", &DocumentStarted::parent, "Id of the step that called it, or empty.")
      .optional("path", &DocumentStarted::path, "As given.")
      .optional("name", &DocumentStarted::name, "Its `name`.")
      .optional("description", &DocumentStarted::description, "Its `description`.")
      .optional("executionId", &DocumentStarted::execution_id, "Own id of a nested document.")
      .optional("sha256", &DocumentStarted::sha256, "Of its text.")};
}
Record<PhaseStarted> make(const PhaseStarted*) {
  return {"phaseStarted", "A phase begins.", Fields<PhaseStarted>{}
      .optional("document", &PhaseStarted::document, "Id of its document.")
      .optional("phase", &PhaseStarted::phase, "Its name.")};
}
Record<StepStarted> make(const StepStarted*) {
  return {"stepStarted", "A step begins. Durable before the step does anything.", Fields<StepStarted>{}
      .optional("step", &StepStarted::step, "Id of the step in this run.")
      .optional("document", &StepStarted::document, "Id of its document.")
      .optional("phase", &StepStarted::phase, "Name of its phase.")
      .optional("name", &StepStarted::name, "Its name.")
      .optional("action", &StepStarted::action, "Its action.")
      .optional("line", &StepStarted::line, "Its line in the document.")
      .optional("timeoutSeconds", &StepStarted::timeout_seconds, "Limit of one attempt; -1: none.")
      .optional("onFailure", &StepStarted::on_failure, "`Abort`, `Continue` or `Ignore`.")
      .optional("maxAttempts", &StepStarted::max_attempts, "How often it is tried.")
      .optional("decision", &StepStarted::decision, "What `if` came to: empty, `Execute`, `Skip` or `Abort`.")
      .optional("loop", &StepStarted::loop, "The loop as written.")
      .optional("logging", &StepStarted::logging, "False with `disableLogging`.")};
}
Record<AttemptStarted> make(const AttemptStarted*) {
  return {"attemptStarted", "A try of a step begins.", Fields<AttemptStarted>{}
      .optional("step", &AttemptStarted::step, "Id of the step.")
      .optional("attempt", &AttemptStarted::attempt, "Counts from 1.")};
}
Record<IterationStarted> make(const IterationStarted*) {
  return {"iterationStarted", "A turn of a loop begins.", Fields<IterationStarted>{}
      .optional("step", &IterationStarted::step, "Id of the step.")
      .optional("index", &IterationStarted::index, "Counts from 0.")
      .optional("value", &IterationStarted::value, "The loop's value.")};
}
Record<ProcessStarted> make(const ProcessStarted*) {
  return {"processStarted", "A step has started a program.", Fields<ProcessStarted>{}
      .optional("step", &ProcessStarted::step, "Id of the step.")
      .optional("pid", &ProcessStarted::pid, "Process id.")};
}
Record<IterationFinished> make(const IterationFinished*) {
  return {"iterationFinished", "A turn of a loop is over.", Fields<IterationFinished>{}
      .optional("step", &IterationFinished::step, "Id of the step.")
      .optional("index", &IterationFinished::index, "Counts from 0.")
      .optional("message", &IterationFinished::message, "Why it failed; empty when it succeeded.")
      .optional("inputs", &IterationFinished::inputs, "List of resolved input maps.")
      .optional("outputs", &IterationFinished::outputs, "List of output maps.")};
}
Record<AttemptFinished> make(const AttemptFinished*) {
  return {"attemptFinished", "A try of a step is over.", Fields<AttemptFinished>{}
      .optional("step", &AttemptFinished::step, "Id of the step.")
      .optional("attempt", &AttemptFinished::attempt, "Counts from 1.")
      .optional("result", &AttemptFinished::result, "`success`, `failed`, `timedOut`, `cancelled` or `inDoubt`.")
      .optional("message", &AttemptFinished::message, "Why it failed.")
      .optional("exitCode", &AttemptFinished::exit_code, "Of the program, where one ran to its end.")};
}
Record<RebootRequested> make(const RebootRequested*) {
  return {"rebootRequested", "The run wants a reboot and ends here for now.", Fields<RebootRequested>{}
      .optional("step", &RebootRequested::step, "Id of the step that asked.")
      .optional("resume", &RebootRequested::resume, "`nextStep`, or `sameStep` after exit code 194.")
      .optional("iteration", &RebootRequested::iteration, "Turn of the loop that asked, or -1.")
      .optional("delaySeconds", &RebootRequested::delay_seconds, "How long to wait before the reboot.")
      .optional("bootId", &RebootRequested::boot_id, "The boot that ends with it.")
      .optional("inputs", &RebootRequested::inputs, "Resolved inputs of the step, used again.")};
}
Record<StepFinished> make(const StepFinished*) {
  return {"stepFinished", "A step is over and will not run again.", Fields<StepFinished>{}
      .optional("step", &StepFinished::step, "Id of the step.")
      .optional("status", &StepFinished::status, "`success`, `failed`, `ignoredFailure` or `skipped`.")
      .optional("message", &StepFinished::message, "Why it failed.")
      .optional("exitCode", &StepFinished::exit_code, "Of the last program.")
      .optional("inputs", &StepFinished::inputs, "List of resolved input maps.")
      .optional("outputs", &StepFinished::outputs, "List of output maps.")
      .optional("attempts", &StepFinished::attempts, "How often it was tried.")
      .optional("seconds", &StepFinished::seconds, "How long it took, reboots not counted.")
      .optional("cached", &StepFinished::cached, "True when an earlier build had done the same and nothing was run.")};
}
Record<PhaseFinished> make(const PhaseFinished*) {
  return {"phaseFinished", "A phase is over.", Fields<PhaseFinished>{}
      .optional("document", &PhaseFinished::document, "Id of its document.")
      .optional("phase", &PhaseFinished::phase, "Its name.")
      .optional("status", &PhaseFinished::status, "`success`, `failed` or `successWithIgnoredFailure`.")
      .optional("message", &PhaseFinished::message, "Why it failed.")};
}
Record<DocumentFinished> make(const DocumentFinished*) {
  return {"documentFinished", "A document is over.", Fields<DocumentFinished>{}
      .optional("document", &DocumentFinished::document, "Id of the document.")
      .optional("status", &DocumentFinished::status, "As of a phase.")
      .optional("message", &DocumentFinished::message, "Why it failed.")};
}
Record<Note> make(const Note*) {
  return {"note", "A line of progress of the program itself.", Fields<Note>{}
      .optional("step", &Note::step, "Id of the step, or empty.")
      .optional("level", &Note::level, "`info`, `warning` or `error`.")
      .optional("text", &Note::text, "The line.")};
}
Record<ParameterRead> make(const ParameterRead*) {
  return {"parameterRead", "A parameter of Parameter Store has its value for this run.", Fields<ParameterRead>{}
      .optional("name", &ParameterRead::name, "As it was asked for.")
      .optional("type", &ParameterRead::type, "`String`, `StringList` or `SecureString`.")
      .optional("value", &ParameterRead::value, "`***`; only the journal has it.")};
}
Record<RunFinished> make(const RunFinished*) {
  return {"runFinished", "The last record of a run.", Fields<RunFinished>{}
      .optional("status", &RunFinished::status, "As of a phase.")
      .optional("message", &RunFinished::message, "Why it failed.")
      .optional("executedStepCount", &RunFinished::executed_steps, "Steps that ran, failed ones included.")
      .optional("failedStepCount", &RunFinished::failed_steps, "Steps that failed.")
      .optional("ignoredFailedStepCount", &RunFinished::ignored_failed_steps, "Steps that failed with onFailure: Ignore.")};
}
// clang-format on

template <class T>
const Record<T>& record() {
  static const Record<T> made = make(static_cast<const T*>(nullptr));
  return made;
}

/// Calls `visit(record<T>())` for every journalled record type; Output is none.
template <class Visit>
void for_each_record(Visit visit) {
  [&]<class... T>(const std::variant<T...>*) {
    (
        [&] {
          if constexpr (!std::is_same_v<T, Output>) visit(record<T>());
        }(),
        ...);
  }(static_cast<const EventData*>(nullptr));
}

std::string timestamp(UnixMillis time) {
  char millis[8];
  std::snprintf(millis, sizeof millis, ".%03dZ", static_cast<int>(time % 1000));
  return format_utc(time, "%Y-%m-%dT%H:%M:%S") + millis;
}

UnixMillis parse_timestamp(const std::string& text) {
  std::tm fields{};
  int millis = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &fields.tm_year, &fields.tm_mon,
                  &fields.tm_mday, &fields.tm_hour, &fields.tm_min, &fields.tm_sec, &millis) != 7) {
    throw Error(Error::Kind::state, "a record has no readable time: " + text);
  }
  fields.tm_year -= 1900;
  fields.tm_mon -= 1;
  return static_cast<UnixMillis>(timegm(&fields)) * 1000 + millis;
}

}  // namespace

std::vector<EventInfo> event_table() {
  std::vector<EventInfo> table;
  for_each_record([&](const auto& row) {
    table.push_back({row.type, row.doc, row.fields.info()});
  });
  return table;
}

Value encode_event(const Event& event) {
  Value value = Value::object(
      {{"seq", static_cast<std::int64_t>(event.seq)}, {"time", timestamp(event.time)}});
  std::visit(
      [&]<class T>(const T& data) {
        if constexpr (!std::is_same_v<T, Output>) {
          value.map().push_back({"type", Value(record<T>().type), {}});
          Value fields = record<T>().fields.encode(data);
          for (auto& member : fields.map()) value.map().push_back(std::move(member));
        }
      },
      event.data);
  return value;
}

Event decode_event(const Value& value) {
  const Value* seq = value.find("seq");
  const Value* time = value.find("time");
  const Value* type = value.find("type");
  if (!seq || !seq->as_int() || !time || !type) {
    throw Error(Error::Kind::state, "a record without seq, time or type");
  }
  Event event;
  event.seq = static_cast<std::uint64_t>(*seq->as_int());
  event.time = parse_timestamp(time->text());
  bool known = false;
  for_each_record([&]<class T>(const Record<T>& row) {
    if (type->text() != row.type) return;
    known = true;
    // Only the fields of the table: a later version may have added some.
    Value::Map fields;
    for (const FieldInfo& field : row.fields.info()) {
      if (const Value* member = value.find(field.name)) fields.push_back({field.name, *member, {}});
    }
    Diagnostics diagnostics(nullptr);
    auto decoded = row.fields.decode(Value(std::move(fields)), "record", diagnostics);
    if (!decoded) throw Error(Error::Kind::state, diagnostics.items().front().message);
    event.data = std::move(*decoded);
  });
  if (!known) throw Error(Error::Kind::state, "a record of unknown type '" + type->text() + "'");
  return event;
}

bool is_success(std::string_view status) {
  return status == "success" || status == "skipped" || status == "ignoredFailure" ||
         status == "successWithIgnoredFailure";
}

}  // namespace toehold
