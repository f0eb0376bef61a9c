#include "tests/support/engine_harness.hpp"

#include "runner/base/error.hpp"
#include "runner/document/validator.hpp"
#include "tests/support/fake_object_store.hpp"

namespace toehold::test {

namespace {

class NoProcesses final : public ProcessRunner {
 public:
  ProcessResult run(const Command&, const OnOutput&, const OnStart&, Deadline,
                    std::stop_token) override {
    throw Error(Error::Kind::process, "this test runs no processes");
  }
};

class NoHttp final : public HttpClient {
 public:
  HttpResponse send(const HttpRequest&, const OnBody&, std::stop_token) override { return {}; }
};

FieldInfo field(std::string name, FieldType type) {
  FieldInfo info;
  info.name = std::move(name);
  info.type = type;
  return info;
}

Action fake_action(const std::string& name, const FakeRun& run, bool repeatable) {
  Action action;
  action.info.name = name;
  action.info.repeatable = repeatable;
  action.info.inputs_required = false;
  for (const char* text : {"text", "document", "document-s3-bucket-owner", "phases"}) {
    action.info.inputs.push_back(field(text, FieldType::text));
  }
  action.info.inputs.push_back(field("parameters", FieldType::any));
  for (const char* output : {"text", "stdout"}) action.info.outputs.push_back({output, ""});
  if (name == "ExecuteDocument") action.info.takes_timeout = action.info.takes_attempts = false;
  action.run = run;
  return action;
}

}  // namespace

void RecordingSink::on(const Event& event) {
  if (const auto* piece = std::get_if<Output>(&event.data)) {
    output += piece->bytes;  // the view does not outlive the call
  } else {
    events.push_back(event);
  }
}

EngineHarness::EngineHarness(std::string document)
    : document_(std::move(document)),
      // In memory where there is such a place: hundreds of syncs, and no test of the disk.
      folder_(fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path(),
              "toehold-engine-") {
  action("ExecuteDocument",
         [](const Value& inputs, ActionContext& context) { return context.run_document(inputs); });
  action("Say", [this](const Value& inputs, ActionContext&) -> Outcome {
    const Value* text = inputs.find("text");
    ledger.push_back(text ? text->text() : "");
    return Succeeded{{Value::object({{"text", ledger.back()}})}};
  });
  action("Fail", [this](const Value& inputs, ActionContext&) -> Outcome {
    ledger.push_back("fail " + describe_inputs(inputs));
    return Failed{"it failed", 3, {}};
  });
}

EngineHarness& EngineHarness::action(const std::string& name, FakeRun run, bool repeatable) {
  actions_[name] = {std::move(run), repeatable};
  return *this;
}

EngineHarness& EngineHarness::file(const std::string& path, std::string text) {
  files_[path] = std::move(text);
  return *this;
}

RunEnd EngineHarness::run() {
  std::vector<Action> actions;
  for (const auto& [name, fake] : actions_) {
    actions.push_back(fake_action(name, fake.first, fake.second));
  }
  const ActionRegistry registry(std::move(actions));
  const auto load = [&](const std::string& path, const std::string& text) {
    return load_document(std::make_shared<SourceText>(path, text), registry, {});
  };
  const LoadedDocument top = load("top.yml", document_);
  std::string findings;
  for (const Diagnostic& finding : top.diagnostics.items()) findings += render_text(finding, false);
  if (top.diagnostics.has_errors()) throw std::runtime_error(findings);

  NoProcesses no_processes;
  NoHttp no_http;
  FakeObjectStore no_objects;
  SystemClock clock;
  Platform platform;
  platform.os = "linux";
  platform.boot_id = "boot";
  const EngineServices services{registry,
                                processes ? *processes : no_processes,
                                no_http,
                                no_objects,
                                clock,
                                platform,
                                folder_.path(),
                                stop.get_token(),
                                [&](const std::string& path, const std::string& owner) {
                                  bucket_owners.push_back(owner);
                                  const auto found = files_.find(path);
                                  if (found == files_.end()) {
                                    throw Error(Error::Kind::io, "no file " + path);
                                  }
                                  return load(path, found->second);
                                },
                                [&](const std::string& secret) { secrets.push_back(secret); },
                                strict,
                                in_doubt,
                                10,
                                aws};
  const JournalContents contents = read_journal(folder_.path() / "events.jsonl");
  RunState earlier;
  for (const Event& event : contents.events) earlier.apply(event);
  Journal journal(folder_.path() / "events.jsonl", contents.bytes);
  sink = {};
  EventStream events(clock, &journal, sink, earlier.last_seq());
  Engine engine(services, events, earlier, previous ? &*previous : nullptr);
  RunStarted started;
  // A resumed run kills what an earlier one of its id left: other tests' steps are not ours.
  started.execution_id = "unit-" + std::to_string(::getpid());
  return engine.run(make_plan({{top.document, "top.yml", parameters}}, filter), started);
}

std::string EngineHarness::statuses() const {
  std::string text;
  for (const StepFinished& step : sink.all<StepFinished>()) {
    if (!text.empty()) text += ' ';
    text += step.step + "=" + step.status;
  }
  return text;
}

std::string EngineHarness::journal_text() const {
  return read_file(folder_.path() / "events.jsonl");
}

void EngineHarness::set_journal_text(const std::string& text) {
  write_file_atomically(folder_.path() / "events.jsonl", text);
}

std::string describe_inputs(const Value& inputs) {
  std::string text;
  for (const auto& member : inputs.map()) {
    if (!text.empty()) text += ' ';
    text += member.key + "=" + member.value.text();
  }
  return text;
}

}  // namespace toehold::test
