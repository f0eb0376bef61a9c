#include "runner/document/reader.hpp"

#include "runner/document/yaml.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Read {
  Diagnostics diagnostics;
  Document document;

  std::string problems() const {
    std::string text;
    for (const Diagnostic& item : diagnostics.items()) {
      text += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
              item.code + ": " + item.message + " | " + item.hint + "\n";
    }
    return text;
  }
};

Read read(const std::string& yaml) {
  const auto source = std::make_shared<SourceText>("doc.yaml", yaml);
  Read result{Diagnostics(source), {}};
  const auto root = read_yaml(source, result.diagnostics);
  REQUIRE(root);
  result.document = read_document(*root, result.diagnostics);
  return result;
}

/// A document with one step, whose further keys are `keys` (flow style, after a comma).
Read read_step(const std::string& keys) {
  return read("schemaVersion: 1.0\nphases: [{name: build, steps: [\n{name: One, action: Do" + keys +
              "}]}]\n");
}

void check_error(const Read& result, const std::string& problem) {
  INFO(result.problems());
  CHECK(result.diagnostics.error_count() == 1);
  CHECK_THAT(result.problems(), ContainsSubstring(problem));
}

}  // namespace

TEST_CASE("a document with everything in it") {
  const Read result = read(R"(name: All
description: of it
schemaVersion: 1.0
parameters:
  - Town:
      type: string
      default: 007
      description: where
      allowedValues: [007, x]
  - Free: {type: String}
constants:
  - Version:
      type: string
      value: 18.40
phases:
  - name: build
    steps:
      - name: First
        action: Do
        timeoutSeconds: -1
        onFailure: Continue
        maxAttempts: 3
        disableLogging: true
        inputs:
          a: 0777
        if:
          fileExists: /x
          then: Skip
        loop:
          name: Each
          forEach: [a, b]
  - name: test
    steps:
      - {name: First, action: Do}
)");
  INFO(result.problems());
  CHECK(result.diagnostics.items().empty());
  const Document& document = result.document;
  CHECK(document.name == "All");
  CHECK(document.description == "of it");
  REQUIRE(document.parameters.size() == 2);
  CHECK(document.parameters[0].default_value == "007");
  CHECK(document.parameters[0].description == "where");
  CHECK(document.parameters[0].allowed_values == std::vector<std::string>{"007", "x"});
  CHECK_FALSE(document.parameters[1].default_value);
  CHECK(document.constants.at(0).value == "18.40");
  REQUIRE(document.phases.size() == 2);
  const Step& step = document.phases[0].steps.at(0);
  CHECK(step.timeout_seconds == -1);
  CHECK(step.on_failure == OnFailure::continue_);
  CHECK(step.max_attempts == 3);
  CHECK(step.disable_logging);
  CHECK(step.inputs.find("a")->text() == "0777");
  CHECK(step.condition->then == Decision::skip);
  CHECK(step.loop->values->size() == 2);
  CHECK(step.loop->name == "Each");
  CHECK(step.name_where == SourceLocation{18, 15});
  CHECK(step.action_where == SourceLocation{19, 17});
  const Step& plain = document.phases[1].steps.at(0);
  CHECK(plain.timeout_seconds == 7200);
  CHECK(plain.on_failure == OnFailure::abort);
  CHECK(plain.max_attempts == 1);
  CHECK_FALSE(plain.timeout_where.known());
  CHECK(plain.inputs.is_null());
}

TEST_CASE("schemaVersion is 1.0 in three spellings") {
  const std::string rest = "\nphases: [{name: build, steps: [{name: a, action: b}]}]";
  for (const char* version : {"1.0", "1", "'1.0'", "\"1\""}) {
    CHECK(read("schemaVersion: " + std::string(version) + rest).diagnostics.items().empty());
  }
  check_error(read("schemaVersion: 2.0" + rest), "1:16 schema-version: schemaVersion '2.0'");
  check_error(read("schemaVersion: [1.0]" + rest),
              "schema-version: schemaVersion cannot be a list");
  check_error(read("name: x" + rest), "missing-key");
}

TEST_CASE("what a document cannot be") {
  check_error(read("[]"), "a document is a map");
  check_error(read("schemaVersion: 1.0"), "the document needs 'phases'");
  check_error(read("schemaVersion: 1.0\nphases:"), "'phases' of the document has no value");
  check_error(read("schemaVersion: 1.0\nphases: []"), "takes a list of phases, not an empty list");
  check_error(read("schemaVersion: 1.0\nphases: {}"), "takes a list of phases, not a map");
  check_error(read("schemaVersion: 1.0\nphases: [x]"), "a phase takes the keys name, steps");
  check_error(read("schemaVersion: 1.0\nphases: [{name: build, steps: {}}]"),
              "'steps' of phase 'build' takes a list of steps, not a map");
  check_error(read("schemaVersion: 1.0\nphases: [{name: build, steps: []}]"), "not an empty list");
  check_error(read("schemaVersion: 1.0\nphases: [{name: build, steps: [x]}]"), "a step takes the");
  check_error(read("schemaVersion: 1.0\nphases: [{name: build, step: [x], steps: "
                   "[{name: a, action: b}]}]"),
              "does not know the key 'step' | did you mean 'steps'?");
}

TEST_CASE("names of parameters and constants") {
  const auto with = [](const std::string& head) {
    return read(head +
                "\nschemaVersion: 1.0\nphases: [{name: build, steps: [{name: a, action: b}]}]");
  };
  CHECK(with("constants: [{a-_9: {type: string, value: ''}}]").diagnostics.items().empty());
  check_error(with("constants: [{ab: {type: string, value: x}}]"), "1:14 name-syntax: 'ab'");
  check_error(with("constants: [{a.b: {type: string, value: x}}]"), "name-syntax: 'a.b'");
  check_error(with("parameters: [{" + std::string(129, 'x') + ": {type: string}}]"), "name-syntax");
  CHECK(with("parameters: [{" + std::string(128, 'x') + ": {type: string}}]")
            .diagnostics.items()
            .empty());
  check_error(
      with("parameters: [{Two: {type: string}}]\nconstants: [{Two: {type: string, value: x}}]"),
      "2:14 duplicate-name: there is already a parameter or constant 'Two' | the first is "
      "on line 1");
}

TEST_CASE("shapes of parameters and constants") {
  const auto with = [](const std::string& head) {
    return read(head +
                "\nschemaVersion: 1.0\nphases: [{name: build, steps: [{name: a, action: b}]}]");
  };
  check_error(with("parameters: {One: {type: string}}"), "'parameters' takes a list, not a map");
  check_error(with("parameters: [{name: One, type: string}]"),
              "is one name with its keys below it");
  check_error(with("constants: [{One: x}]"), "is one name with its keys below it");
  check_error(with("parameters: [{One: {type: integer}}]"), "write one of: string");
  check_error(with("parameters: [{One: {default: x}}]"), "needs 'type'");
  check_error(with("parameters: [{One: {type: string, value: x}}]"),
              "does not know the key 'value'");
  check_error(with("constants: [{One: {type: string}}]"), "needs 'value'");
  check_error(with("parameters: [{One: {type: string, default: c, allowedValues: [a, b]}}]"),
              "the default of parameter 'One' is none of its allowedValues | write one of: a, b");
  CHECK(with("parameters:\nconstants:").diagnostics.items().empty());
}

TEST_CASE("phases and steps have names of their own") {
  check_error(read("schemaVersion: 1.0\nphases:\n- {name: build, steps: [{name: a, action: b}]}\n"
                   "- {name: build, steps: [{name: a, action: b}]}"),
              "4:10 duplicate-name: there is already a phase 'build'");
  check_error(read("schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n"
                   "  - {name: a, action: b}\n  - {name: a, action: b}"),
              "6:12 duplicate-name: there is already a step 'a' | the first is on line 5");
  check_error(read("schemaVersion: 1.0\nphases: [{name: '', steps: [{name: a, action: b}]}]"),
              "name-syntax");
  const Read odd =
      read("schemaVersion: 1.0\nphases: [{name: build, steps: [{name: a.b, action: b}]}]");
  CHECK(odd.diagnostics.error_count() == 0);
  CHECK_THAT(odd.problems(), ContainsSubstring("no reference can name step 'a.b'"));
  CHECK(read("schemaVersion: 1.0\nphases: [{name: build, steps: [{name: A b, action: b}]}]")
            .diagnostics.items()
            .empty());
}

TEST_CASE("step keys") {
  CHECK(read_step("").diagnostics.items().empty());
  check_error(read_step(", timeoutSeconds: 0"), "'timeoutSeconds' of step 'One' cannot be 0");
  check_error(read_step(", timeoutSeconds: -2"), "out of range: -2");
  check_error(read_step(", timeoutSeconds: soon"), "takes a whole number, not 'soon'");
  check_error(read_step(", timeoutSeconds: 99999999999"), "out of range");
  check_error(read_step(", maxAttempts: 0"), "out of range: 0");
  check_error(read_step(", onFailure: continue"),
              "cannot be 'continue' | did you mean 'Continue'?");
  check_error(read_step(", onFailure: Stop"), "write one of: Abort, Continue, Ignore");
  check_error(read_step(", timeoutsSeconds: 3"), "did you mean 'timeoutSeconds'?");
  check_error(read_step(", disableLogging: 1"), "write true");
  CHECK(read_step(", disableLogging: yes").document.phases[0].steps[0].disable_logging);
  CHECK(read_step(", timeoutSeconds: '30', onFailure: Ignore")
            .document.phases[0]
            .steps[0]
            .timeout_seconds == 30);
}

TEST_CASE("references where the language takes none") {
  check_error(read_step(", timeoutSeconds: '{{ Limit }}'"), "misplaced-reference");
  check_error(read_step(", maxAttempts: '{{ Limit }}'"), "misplaced-reference");
  check_error(read_step(", onFailure: '{{ Limit }}'"), "misplaced-reference");
  check_error(read_step(", disableLogging: '{{ Limit }}'"), "misplaced-reference");
  check_error(read("schemaVersion: 1.0\nphases: [{name: build, steps: [\n"
                   "{name: 'a {{ B }}', action: b}]}]"),
              "3:11 misplaced-reference: the name of step 'a {{ B }}' takes no reference");
  check_error(read("schemaVersion: 1.0\nphases: [{name: build, steps: [\n"
                   "{name: a, action: '{{ B }}'}]}]"),
              "misplaced-reference: 'action' of step 'a'");
}

TEST_CASE("references in values stay text, with a warning") {
  const std::string rest =
      "\nschemaVersion: 1.0\nphases: [{name: build, steps: [{name: a, action: b}]}]";
  for (const char* head : {"constants: [{One: {type: string, value: 'a {{ Two }}'}}]",
                           "parameters: [{One: {type: string, default: 'a {{ Two }}'}}]"}) {
    const Read result = read(head + rest);
    CHECK(result.diagnostics.error_count() == 0);
    CHECK_THAT(result.problems(), ContainsSubstring("misplaced-reference: {{ Two }} in"));
  }
  CHECK(read("constants: [{One: {type: string, value: '{{ .ID }}'}}]" + rest)
            .diagnostics.items()
            .empty());
}

TEST_CASE("mistakes do not hide one another") {
  const Read result = read(
      "schemaVersion: 3\nphases:\n- name: build\n  steps:\n  - {nme: a, action: b, maxAttempts: "
      "0}\n"
      "  - {name: c, action: d, if: {}, loop: {}}\n");
  INFO(result.problems());
  CHECK(result.diagnostics.error_count() == 5);
}

TEST_CASE("ten thousand steps are read in linear time") {
  std::string yaml = "schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n";
  for (int i = 0; i < 10'000; ++i) {
    yaml += "  - name: Step" + std::to_string(i) + "\n    action: Do\n    inputs: {a: b}\n";
  }
  const Read result = read(yaml);
  CHECK(result.diagnostics.items().empty());
  CHECK(result.document.phases.at(0).steps.size() == 10'000);
}
