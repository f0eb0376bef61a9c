// A run of one step, told by hand to a sink, and a folder for what the sink leaves. Called by the
// tests of the reports; runs nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runner/base/files.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold::test {

class Play {
 public:
  explicit Play(EventSink& sink) : sink_(sink) {}
  void operator()(EventData data) { sink_.on({++seq_, time_, std::move(data)}); }
  void print(Stream stream, std::string_view bytes, bool logging = true) {
    sink_.on({0, time_, Output{"0/build/One", stream, bytes, logging}});
  }
  void begin() {
    RunStarted run;
    run.execution_id = "id";
    run.log_directory = "/logs/TOE";
    (*this)(run);
    (*this)(DocumentStarted{"0", "", "doc.yml", "demo", "what it does", "id", ""});
    (*this)(PhaseStarted{"0", "build"});
  }
  void step(bool logging = true) {
    (*this)(StepStarted{"0/build/One", "0", "build", "One", "ExecuteBash", 7, 7200, "Abort", 2, "",
                        Value(), logging});
    (*this)(AttemptStarted{"0/build/One", 1});
  }
  void end(const std::string& status, const std::string& message, std::optional<int> code) {
    const bool good = status == "success";
    (*this)(AttemptFinished{"0/build/One", 1, good ? "success" : "failed", message, code});
    StepFinished finished{"0/build/One", status, message, code, {}, {}, 1, 1.5};
    finished.inputs = Value(Value::List{
        Value::object({{"commands", Value(Value::List{"echo hi"})}, {"apiKey", "visible"}})});
    finished.outputs = Value(Value::List{Value::object({{"stdout", "hi"}})});
    (*this)(finished);
    (*this)(PhaseFinished{"0", "build", status, good ? "" : "Step One failed!"});
    (*this)(DocumentFinished{"0", status, good ? "" : "Document doc.yml failed!"});
    (*this)(RunFinished{status, good ? "" : "Document doc.yml failed!", 1, good ? 0 : 1, 0});
  }

 private:
  EventSink& sink_;
  std::uint64_t seq_ = 0;
  UnixMillis time_ = 1'700'000'000'123;
};

struct Folder {
  TempDirectory folder{fs::temp_directory_path(), "toehold-report-"};
  fs::path operator/(const char* name) const { return folder.path() / name; }
};

}  // namespace toehold::test
