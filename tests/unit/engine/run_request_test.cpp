#include "runner/engine/run_request.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("parameters of the command line") {
  CHECK(parse_parameters("a=1,b=x=y") == Parameters{{"a", "1"}, {"b", "x=y"}});
  CHECK(parse_parameters("a=\"1,2\",b=3") == Parameters{{"a", "1,2"}, {"b", "3"}});
  CHECK(parse_parameters("\"a=1,2\"") == Parameters{{"a", "1,2"}});
  CHECK(parse_parameters("a=\"say \"\"hi\"\"\"") == Parameters{{"a", "say \"hi\""}});
  for (const char* wrong : {"a", "=1", "a=", "a=1,", "", "a=\"1"}) {
    INFO(wrong);
    CHECK_THROWS_AS(parse_parameters(wrong), Error);
  }
}

TEST_CASE("the configuration file") {
  const RunRequest request = parse_run_config("run.json", R"({
    "documents": [{"path": "a.yml", "parameters": [{"name": "p", "value": "own"}]},
                  {"path": "b.yml"}],
    "parameters": [{"name": "p", "value": "global"}],
    "phases": "build,validate", "executionId": "id", "logDirectory": "logs",
    "stateDirectory": "state", "trace": true, "cwIgnoreFailures": true})");
  REQUIRE(request.documents.size() == 2);
  CHECK(request.documents[0].path == "a.yml");
  CHECK(parameters_for(request.documents[0], request.parameters).back().second == "own");
  CHECK(parameters_for(request.documents[1], request.parameters).back().second == "global");
  CHECK(request.phases == "build,validate");
  CHECK(request.execution_id == "id");
  CHECK(request.trace);
  CHECK(request.cw_ignore_failures);
}

TEST_CASE("the documented misspelling of the execution id is taken too") {
  CHECK(
      parse_run_config("c", R"({"documents": [{"path": "a"}], "executonId": "x"})").execution_id ==
      "x");
}

TEST_CASE("every mistake of the configuration is told") {
  try {
    parse_run_config("run.json", R"({"documents": [{"pth": "a.yml"}], "phase": "build"})");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::usage);
    CHECK_THAT(error.what(), ContainsSubstring("'pth'") && ContainsSubstring("'path'") &&
                                 ContainsSubstring("'phase'") && ContainsSubstring("'phases'") &&
                                 ContainsSubstring("run.json:1:17: error[unknown-key]"));
  }
  CHECK_THROWS_AS(parse_run_config("c", "{"), Error);
  CHECK_THROWS_AS(parse_run_config("c", R"({"documents": []})"), Error);
}

TEST_CASE("the fingerprint follows what a run must have in common with its begin") {
  const auto document = [](const std::string& text) {
    auto made = std::make_shared<Document>();
    made->source = std::make_shared<SourceText>("a.yml", text);
    return made;
  };
  const auto fingerprint = [&](const std::string& text, const Parameters& parameters,
                               const std::string& phase) {
    PlanFilter filter;
    if (!phase.empty()) filter.phases = {phase};
    return run_fingerprint({{document(text), "a.yml", parameters}}, filter);
  };
  const std::string same = fingerprint("x", {{"a", "1"}}, "build");
  CHECK(same == fingerprint("x", {{"a", "1"}}, "build"));
  CHECK(same != fingerprint("y", {{"a", "1"}}, "build"));
  CHECK(same != fingerprint("x", {{"a", "2"}}, "build"));
  CHECK(same != fingerprint("x", {{"a", "1"}}, "test"));
}
