// One folder a case: document.yaml (or document.json), what to call it with, and what must come of
// it. Findings of the validator stand in expected.diagnostics; a run's events in expected.events,
// without what changes from run to run. With ACCEPT=1 the expected files are written anew.
#include <algorithm>
#include <cstdlib>
#include <regex>

#include "actions/builtin_actions.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/validator.hpp"
#include "runner/engine/engine.hpp"
#include "runner/engine/run_request.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/engine_harness.hpp"
#include "tests/support/fake_object_store.hpp"

using namespace toehold;

namespace {

const fs::path cases_folder = fs::path(TOEHOLD_SOURCE_DIR) / "tests/conformance/cases";

std::vector<fs::path> case_folders() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(cases_folder)) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

fs::path document_of(const fs::path& folder) {
  return fs::exists(folder / "document.json") ? folder / "document.json" : folder / "document.yaml";
}

/// The file `args`: one option a line, "name=value".
std::string argument(const fs::path& folder, const std::string& name) {
  if (!fs::exists(folder / "args")) return {};
  for (const std::string& line : split(read_file(folder / "args"), '\n')) {
    if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
  }
  return {};
}

LoadedDocument load(const fs::path& folder, const ActionRegistry& actions) {
  ValidationOptions options;
  if (argument(folder, "os-platforms") == "windows") options.platforms = windows_only;
  const std::string blocked = argument(folder, "blocked");
  if (!blocked.empty()) options.blocked_actions = split(blocked, ',');
  options.allow_foreign_references = argument(folder, "allow-foreign-references") == "true";
  const fs::path path = document_of(folder);
  return load_document(std::make_shared<SourceText>(path.filename().string(), read_file(path)),
                       actions, options);
}

void compare(const fs::path& expected, const std::string& found) {
  if (std::getenv("ACCEPT")) write_file_atomically(expected, found, 0644);
  CHECK(read_file(expected) == found);
}

/// Times, ids, paths and process numbers change from run to run; the rest must not.
std::string normalised(const Event& event, const std::string& work) {
  Value value = encode_event(event);
  Value::Map kept;
  for (auto& member : value.map()) {
    static const std::vector<std::string> changing{"time",    "seconds",      "pid",  "bootId",
                                                   "version", "logDirectory", "line", "sha256"};
    if (std::find(changing.begin(), changing.end(), member.key) != changing.end()) continue;
    if (member.value.is_null() || (member.value.is_scalar() && member.value.text().empty()))
      continue;
    kept.push_back(std::move(member));
  }
  std::string text = replace_all(to_json(Value(std::move(kept))), work, "WORK");
  static const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  static const std::regex scratch("script-[A-Za-z0-9]{6}");
  text = std::regex_replace(text, uuid, "UUID");
  return std::regex_replace(text, scratch, "script-XXXXXX") + "\n";
}

std::string run_case(const fs::path& folder, const ActionRegistry& actions) {
  const TempDirectory work(fs::temp_directory_path(), "toehold-case-");
  const fs::path before = fs::current_path();
  fs::copy(folder, work.path(), fs::copy_options::recursive);
  fs::current_path(work.path());
  const LoadedDocument loaded = load(folder, actions);
  REQUIRE_FALSE(loaded.diagnostics.has_errors());
  make_private_directory(work.path() / "scratch");
  RealProcessRunner processes(std::chrono::milliseconds(200));
  const auto http = make_curl_http_client();
  test::FakeObjectStore objects;
  SystemClock clock;
  const Platform platform = read_platform();
  const EngineServices services{
      actions,
      processes,
      *http,
      objects,
      clock,
      platform,
      work.path() / "scratch",
      {},
      [&](const std::string& path, const std::string&) {
        return load_document(std::make_shared<SourceText>(path, read_file(path)), actions, {});
      },
      {},
      false,
      InDoubt::fail,
      10};
  test::RecordingSink sink;
  Journal journal(work.path() / "events.jsonl", 0);
  EventStream events(clock, &journal, sink);
  const RunState nothing;
  Engine engine(services, events, nothing);
  PlanFilter filter;
  if (const std::string phases = argument(folder, "phases"); !phases.empty()) {
    filter.phases = split(phases, ',');
  }
  Parameters parameters;
  if (const std::string given = argument(folder, "parameters"); !given.empty()) {
    parameters = parse_parameters(given);
  }
  RunStarted started;
  started.execution_id = "run";
  engine.run(make_plan({{loaded.document, "document.yaml", parameters}}, filter), started);
  fs::current_path(before);
  std::string text;
  for (const Event& event : sink.events) text += normalised(event, work.path().string());
  return text + "output: " + to_json(Value(sink.output)) + "\n";
}

}  // namespace

TEST_CASE("conformance") {
  const ActionRegistry actions(builtin_actions());
  for (const fs::path& folder : case_folders()) {
    DYNAMIC_SECTION(folder.filename().string()) {
      CHECK(
          (fs::exists(folder / "expected.diagnostics") || fs::exists(folder / "expected.events")));
      if (fs::exists(folder / "expected.diagnostics")) {
        std::string found;
        const LoadedDocument loaded = load(folder, actions);
        for (const Diagnostic& finding : loaded.diagnostics.items()) {
          found += render_text(finding, false);
        }
        compare(folder / "expected.diagnostics", found);
      }
      if (fs::exists(folder / "expected.events")) {
        compare(folder / "expected.events", run_case(folder, actions));
      }
    }
  }
}

TEST_CASE("every diagnostic code has a case") {
  std::string all;
  for (const fs::path& folder : case_folders()) {
    if (fs::exists(folder / "expected.diagnostics")) {
      all += read_file(folder / "expected.diagnostics");
    }
  }
  for (const DiagnosticCode& code : all_diagnostic_codes()) {
    // Takes hundreds of errors; diagnostic_test has it.
    if (std::string_view(code.name) == codes::too_many.name) continue;
    // A case is a document that is there; documents_test.sh has those that are not.
    if (std::string_view(code.name) == codes::unreadable.name) continue;
    INFO(code.name);
    CHECK(all.find("[" + std::string(code.name) + "]") != std::string::npos);
  }
}
