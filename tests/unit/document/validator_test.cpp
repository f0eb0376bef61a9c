#include "runner/document/validator.hpp"

#include <ctime>

#include "tests/support/catch.hpp"
#include "tests/support/fake_catalogue.hpp"

using namespace toehold;

namespace {

void check_clean(const LoadedDocument& loaded) {
  INFO(all_findings(loaded));
  CHECK(loaded.diagnostics.items().empty());
}

/// Exactly one finding, which starts with `start` and contains `part`.
void check_one(const LoadedDocument& loaded, const std::string& start, const std::string& part) {
  INFO(all_findings(loaded));
  REQUIRE(loaded.diagnostics.items().size() == 1);
  CHECK_THAT(findings(loaded).front(), StartsWith(start));
  CHECK_THAT(findings(loaded).front(), ContainsSubstring(part));
}

}  // namespace

TEST_CASE("a document of known actions is clean") {
  check_clean(
      load_steps("- name: Run\n  action: ExecuteBash\n  inputs: {commands: ['echo {{ Param }}']}\n"
                 "- name: Get\n  action: WebDownload\n  inputs:\n"
                 "    - {source: 'https://x.example/a', destination: /tmp/a, algorithm: md5}\n"
                 "    - {source: '{{ Fixed }}', destination: /tmp/b, overwrite: 'true'}\n"
                 "- name: Test\n  action: Assert\n  inputs: {fileExists: /tmp/a}\n"
                 "- name: Again\n  action: Reboot\n  timeoutSeconds: 60\n"
                 "- name: More\n  action: ExecuteDocument\n  timeoutSeconds: -1\n  maxAttempts: 1\n"
                 "  inputs: {document: x.yaml, parameters: [{name: a, value: b}]}\n"));
}

TEST_CASE("actions have to exist") {
  check_one(load_steps("- {name: a, action: ExecuteBsh, inputs: {commands: []}}"),
            "7:23 error[unknown-action]", "did you mean 'ExecuteBash'?");
  check_one(load_steps("- {name: a, action: executebash, inputs: {commands: []}}"),
            "7:23 error[unknown-action]", "did you mean 'ExecuteBash'?");
  check_one(load_steps("- {name: a, action: Frobnicate}"), "7:23 error[unknown-action]",
            "'describe' lists");
}

TEST_CASE("a misspelt action does not hide the mistakes in its inputs") {
  const auto found = [](const std::string& step) {
    return findings(load_steps("- {name: a, action: " + step + "}"));
  };
  const auto both = found("WebDownlod, inputs: [{source: 'http://a', destinaton: /b}]");
  REQUIRE(both.size() == 2);
  CHECK_THAT(both[0], ContainsSubstring("did you mean 'WebDownload'?"));
  CHECK_THAT(both[1], ContainsSubstring("7:65 error[unknown-key] action WebDownload") &&
                          ContainsSubstring("did you mean 'destination'?"));
  CHECK(found("WebDownlod, inputs: [{source: ftp://a}]").size() == 3);
  CHECK(found("Asert, inputs: {fileExits: /a}").size() == 2);
  // A guess that knows none of the keys is wrong, and so would be what it says of them.
  CHECK(found("Insert, inputs: {table: /a}").size() == 1);
  CHECK(found("ExecuteBsh, inputs: [ls]").size() == 1);
  CHECK(found("ExecuteBsh").size() == 1);
  // One mistake, one message.
  CHECK(found("ExecuteBsh, inputs: {commands: ls}").size() == 2);
}

TEST_CASE("actions have to exist on all platforms that are asked for") {
  const std::string steps = "- {name: a, action: ExecutePowerShell, inputs: {commands: [dir]}}";
  check_one(load_steps(steps), "7:23 error[unsupported-action]",
            "ExecutePowerShell does not exist on linux | it exists on windows");
  CHECK_THAT(all_findings(load_steps(steps)), ContainsSubstring("validate --os-platforms windows"));
  ValidationOptions options;
  options.platforms = windows_only;
  check_clean(load_steps(steps, options));
  options.platforms = linux_only | macos_only | windows_only;
  check_one(load_steps(steps, options), "7:23 error[unsupported-action]",
            "does not exist on linux and macos");
}

TEST_CASE("actions can be blocked") {
  ValidationOptions options;
  options.blocked_actions = {"Reboot"};
  check_one(load_steps("- {name: a, action: Reboot}", options), "7:23 error[blocked-action]",
            "--blocked-action-modules");
  check_clean(load_steps("- {name: a, action: ExecuteBash, inputs: {commands: [x]}}", options));
}

TEST_CASE("actions that need inputs have some") {
  for (const char* inputs : {"", ", inputs: ", ", inputs: []", ", inputs: {}"}) {
    INFO(inputs);
    const auto loaded = load_steps("- {name: a, action: ExecuteBash" + std::string(inputs) + "}");
    INFO(all_findings(loaded));
    REQUIRE(loaded.diagnostics.error_count() == 1);
    CHECK_THAT(all_findings(loaded),
               ContainsSubstring("error[missing-inputs] step 'a' in phase 'build': action "
                                 "ExecuteBash has no inputs; it requires an 'inputs'"));
    CHECK_THAT(all_findings(loaded), ContainsSubstring("inputs:\n  commands: [...]"));
    check_clean(load_steps("- {name: a, action: Reboot" + std::string(inputs) + "}"));
  }
  CHECK_THAT(all_findings(load_steps("- {name: a, action: WebDownload}")),
             ContainsSubstring("inputs:\n  - source: ...\n    destination: ..."));
}

TEST_CASE("one map and a list of one are the same") {
  check_clean(load_steps("- {name: a, action: CreateFolder, inputs: {path: /x}}"));
  check_clean(load_steps("- {name: a, action: ExecuteBash, inputs: [{commands: [x]}]}"));
  check_clean(load_steps("- {name: a, action: Assert, inputs: [{fileExists: /x}]}"));
  check_one(
      load_steps("- {name: a, action: ExecuteBash, inputs: [{commands: [x]}, {commands: [y]}]}"),
      "7:44 error[wrong-type]", "takes one map, not a list of 2");
  check_one(load_steps("- {name: a, action: ExecuteBash, inputs: ls}"), "7:44 error[wrong-type]",
            "takes the keys commands, not text");
}

TEST_CASE("inputs are checked by the action's table") {
  check_one(load_steps("- {name: a, action: CreateFolder, inputs: [{path: /x, pth: /y}]}"),
            "7:57 error[unknown-key]", "did you mean 'path'?");
  check_one(load_steps("- {name: a, action: CreateFolder, inputs: [{}]}"),
            "7:46 error[missing-key]", "needs 'path'");
  check_one(load_steps("- {name: a, action: Reboot, inputs: {delaySeconds: 601}}"),
            "7:54 error[invalid-value]", "out of range");
  check_clean(load_steps("- {name: a, action: Reboot, inputs: {delaySeconds: '{{ Param }}'}}"));
}

TEST_CASE("checks beyond the table run beside it") {
  check_one(load_steps("- {name: a, action: WebDownload, inputs: {source: ftp, destination: /x}}"),
            "7:53 error[invalid-value]", "no URL");
  check_one(load_steps("- {name: a, action: WebDownload, inputs: {destination: /x}}"),
            "7:44 error[missing-key]", "needs 'source'");
}

TEST_CASE("a nested document has no limits of its own step") {
  check_one(
      load_steps("- {name: a, action: ExecuteDocument, timeoutSeconds: 5, inputs: {document: x}}"),
      "7:56 error[invalid-value]", "takes no 'timeoutSeconds' but -1");
  check_one(
      load_steps("- {name: a, action: ExecuteDocument, maxAttempts: 2, inputs: {document: x}}"),
      "7:53 error[invalid-value]", "takes no 'maxAttempts' but 1");
}

TEST_CASE("conditions and their patterns") {
  check_one(load_steps("- {name: a, action: Assert, inputs: {fileExist: /x}}"),
            "7:40 error[condition-shape]", "did you mean 'fileExists'?");
  check_one(load_steps("- {name: a, action: Assert, inputs: {patternMatches: '(', value: x}}"),
            "7:56 error[pattern-syntax]", "RE2");
  check_one(
      load_steps("- name: a\n  action: Reboot\n  if: {not: {patternMatches: '(?=x)', value: x}}"),
      "9:32 error[pattern-syntax]", "'if' of step 'a'");
  check_clean(load_steps(
      "- {name: a, action: Assert, inputs: {patternMatches: '{{ Param }}(', value: x}}"));
}

TEST_CASE("numbers that are none are warned of") {
  check_one(load_steps("- {name: a, action: Assert, inputs: {numberEquals: five, value: 5}}"),
            "7:54 warning[condition-shape]", "'five' in action Assert is no number");
  check_clean(load_steps("- {name: a, action: Assert, inputs: {numberEquals: '-5.0', value: +5}}"));
  check_clean(
      load_steps("- {name: a, action: Assert, inputs: {numberEquals: '{{ Param }}', value: 1}}"));
  check_one(
      load_steps("- {name: a, action: Assert, inputs: {not: {numberLessThan: 1, value: '1.'}}}"),
      "7:", "'1.' in action Assert is no number");
}

TEST_CASE("documents for a service without standard phases are warned of") {
  check_one(
      load_text(
          "schemaVersion: 1.0\nphases:\n- {name: verify, steps: [{name: a, action: Reboot}]}"),
      "3:3 warning[no-standard-phase]", "none of the phases build, validate and test");
  check_clean(
      load_text("schemaVersion: 1.0\nphases: [{name: verify, steps: [{name: a, action: Reboot}]}, "
                "{name: test, steps: [{name: a, action: Reboot}]}]"));
}

TEST_CASE("findings stand in the order of the document") {
  const auto loaded = load_text(
      "phases:\n- name: build\n  steps:\n  - {name: a, action: Nothing}\n  - {name: a, action: "
      "Reboot}\n"
      "schemaVersion: 9\n");
  const auto all = findings(loaded);
  REQUIRE(all.size() == 3);
  CHECK_THAT(all[0], ContainsSubstring("unknown-action"));
  CHECK_THAT(all[1], ContainsSubstring("duplicate-name"));
  CHECK_THAT(all[2], ContainsSubstring("schema-version"));
}

TEST_CASE("an explained mistake has no general error beside it") {
  check_one(load_steps("- {name: a, action: ExecuteBash, inputs: {commands: ls}}"),
            "7:55 error[list-expected]", "");
}

TEST_CASE("what cannot be read has no document") {
  const auto loaded = load_text("a: [");
  CHECK(loaded.document == nullptr);
  CHECK(loaded.diagnostics.has_errors());
}

TEST_CASE("the cost of a step does not grow with their number") {
  const auto seconds = [](int steps) {
    std::string text = "schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n";
    for (int i = 0; i < steps; ++i) {
      const std::string number = std::to_string(i);
      text +=
          "  - name: Step" + number + "\n    action: ExecuteBash\n    inputs:\n      commands: ['";
      text += i == 0 ? "echo" : "echo {{ build.Step" + std::to_string(i - 1) + ".outputs.stdout }}";
      text += "']\n";
    }
    const std::clock_t begin = std::clock();  // of this process, so other work does not count
    const auto loaded = load_text(text);
    const double taken = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    CHECK(loaded.diagnostics.items().empty());
    CHECK(loaded.document->phases.at(0).steps.size() == static_cast<std::size_t>(steps));
    return taken;
  };
  const double small = seconds(1'000);
  const double large = seconds(10'000);
  CHECK(large < 40 * small + 0.1);  // 10 when linear, 100 when every step looks at every other
}
