#include "runner/report/detailed_output.hpp"

#include "runner/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/event_play.hpp"
#include "tests/support/fake_catalogue.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("detailedoutput.json is awstoe's record") {
  const Folder folder;
  const FakeCatalogue actions;
  DetailedOutput report(folder / "d.json", actions);
  Play play(report);
  play.begin();
  play.step();
  play.end("success", "", {});
  const Value root = parse_json(read_file(folder / "d.json"));
  CHECK(root.find("executionId")->text() == "id");
  const Value& document = root.find("documents")->list()[0];
  CHECK(document.find("filePath")->text() == "doc.yml");
  CHECK(document.find("description")->text() == "what it does");
  const Value& step = document.find("phases")->list()[0].find("steps")->list()[0];
  CHECK(step.find("timeoutSeconds")->text() == "7200");
  CHECK(step.find("outputs")->text() == R"([{"stdout":"hi"}])");
  CHECK(step.find("detailedOutput")->is_null());
}

namespace {

/// `inputs` and `outputs` of a finished step in detailedoutput.json.
std::pair<std::string, std::string> recorded(const std::string& action, const std::string& inputs,
                                             const std::string& outputs) {
  const Folder folder;
  const FakeCatalogue actions;
  DetailedOutput report(folder / "d.json", actions);
  Play play(report);
  play.begin();
  StepStarted started;
  started.step = "0/build/One";
  started.document = "0";
  started.phase = "build";
  started.action = action;
  play(started);
  StepFinished finished;
  finished.step = started.step;
  finished.inputs = parse_json(inputs);
  finished.outputs = parse_json(outputs);
  play(finished);
  play(RunFinished{"success", "", 1, 0, 0});
  const Value root = parse_json(read_file(folder / "d.json"));
  const Value& step =
      root.find("documents")->list()[0].find("phases")->list()[0].find("steps")->list()[0];
  return {step.find("inputs")->text(), step.find("outputs")->text()};
}

}  // namespace

TEST_CASE("detailedoutput.json has all fields of the inputs, as the action reads them") {
  CHECK(recorded("ExecuteBash", R"([{"commands":["ls",1]}])", "[]").first ==
        R"([{"commands":["ls","1"]}])");
  CHECK(
      recorded("WebDownload",
               R"([{"destination":"/d","source":"s"},)"
               R"({"source":"s","destination":1.10,"overwrite":"no","algorithm":"md5"}])",
               "[]")
          .first ==
      R"([{"source":"s","destination":"/d","checksum":"","algorithm":"","overwrite":true},)"
      R"({"source":"s","destination":"1.10","checksum":"","algorithm":"md5","overwrite":false}])");
  CHECK(recorded("Reboot", "[{}]", "[]").first == R"([{"delaySeconds":0}])");
  CHECK(recorded("Reboot", R"([{"delaySeconds":"7"}])", "[]").first == R"([{"delaySeconds":7}])");
  CHECK(recorded("Reboot", R"([{"delaySeconds":"***"}])", "[]").first ==
        R"([{"delaySeconds":"***"}])");
  CHECK(recorded("ExecuteDocument", R"([{"document":"d"}])", "[]").first ==
        R"([{"document":"d","parameters":null}])");
  CHECK(recorded("Assert", R"([{"fileExists":"/a"}])", "[]").first == R"([{"fileExists":"/a"}])");
  CHECK(recorded("Unknown", R"([{"a":true}])", "[]").first == R"([{"a":true}])");
  CHECK(recorded("Reboot", "null", "null").first == "[]");
}

TEST_CASE("an action without outputs has none in detailedoutput.json") {
  CHECK(recorded("CreateFolder", "[]", "[null,null]").second == "[]");
  CHECK(recorded("CreateFolder", "[]", "null").second == "[]");
  CHECK(recorded("ExecuteBash", "[]", R"([{"stdout":""}])").second == R"([{"stdout":""}])");
}

TEST_CASE("a nested document stands in the step that called it, also in a loop") {
  const Folder folder;
  const FakeCatalogue actions;
  DetailedOutput report(folder / "d.json", actions);
  Play play(report);
  play.begin();
  play.step();
  play(DocumentStarted{"0/build/One#1>0", "0/build/One#1", "child.yml", "", "", "child-id", ""});
  play(DocumentFinished{"0/build/One#1>0", "success", ""});
  play.end("success", "", {});
  const Value root = parse_json(read_file(folder / "d.json"));
  const Value& step =
      root.find("documents")->list()[0].find("phases")->list()[0].find("steps")->list()[0];
  const Value& nested = step.find("detailedOutput")->list()[0];
  CHECK(nested.find("executionId")->text() == "child-id");
  CHECK(nested.find("documents")->list()[0].find("filePath")->text() == "child.yml");
}
