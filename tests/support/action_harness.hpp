// An ActionContext for tests of single actions: everything in it can be set or looked at.
// Included by tests/unit/actions; starts no process unless the test says so.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/engine/action.hpp"
#include "tests/support/fake_object_store.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

namespace toehold::test {

class ActionHarness {
 public:
  /// Inputs as they stand in a document: `Value::object(...)` or a list of them.
  Outcome run(const Action& action, const Value& inputs) {
    ActionContext context{stop.get_token(),
                          deadline,
                          use_real ? static_cast<ProcessRunner&>(real) : processes,
                          http ? *http : no_http,
                          objects,
                          virtual_clock ? static_cast<Clock&>(*virtual_clock) : clock,
                          platform,
                          folder.path(),
                          environment,
                          [this](Stream stream, std::string_view bytes) {
                            (stream == Stream::out ? out : err) += bytes;
                          },
                          [this](int pid) { pids.push_back(pid); },
                          [this](const std::string& text) { notes.push_back(text); },
                          run_document,
                          evaluate};
    return action.run(inputs, context);
  }

  static Value texts(const std::vector<std::string>& items) {
    Value::List list;
    for (const auto& item : items) list.emplace_back(item);
    return Value(std::move(list));
  }

  ScriptedProcess processes;
  RealProcessRunner real{std::chrono::milliseconds(200)};
  bool use_real = false;
  std::stop_source stop;
  Deadline deadline;
  SystemClock clock;
  HttpClient* http = nullptr;  // none: HTTP is a mistake
  FakeObjectStore objects;
  VirtualClock* virtual_clock = nullptr;  // none: `clock`
  Platform platform;
  TempDirectory folder{std::filesystem::temp_directory_path(), "toehold-test-"};
  std::vector<std::pair<std::string, std::string>> environment;
  std::string out, err;
  std::vector<int> pids;
  std::vector<std::string> notes;
  RunDocument run_document;
  EvaluateCondition evaluate;

 private:
  struct NoHttp final : HttpClient {
    HttpResponse send(const HttpRequest&, const OnBody&, std::stop_token) override {
      throw std::logic_error("this action has no business with HTTP");
    }
  } no_http;
};

}  // namespace toehold::test
