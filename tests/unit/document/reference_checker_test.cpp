#include "runner/document/reference_checker.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_catalogue.hpp"

using namespace toehold;

namespace {

/// A step that refers to `text`, after steps that it may refer to and before one that it may not.
LoadedDocument with_text(const std::string& text, const ValidationOptions& options = {}) {
  return load_steps(
      "- {name: Run, action: ExecuteBash, inputs: {commands: [ls]}}\n"
      "- {name: Get, action: WebDownload, inputs: [{source: http://a, destination: /a}, "
      "{source: http://b, destination: /b}]}\n"
      "- {name: Make, action: CreateFolder, inputs: {path: /c}}\n"
      "- name: Here\n  action: ExecuteBash\n  inputs:\n    commands:\n      - |\n        " +
          text + "\n- {name: Late, action: ExecuteBash, inputs: {commands: [ls]}}\n",
      options);
}

void check_good(const std::string& text) {
  const auto loaded = with_text(text);
  INFO(all_findings(loaded));
  CHECK(loaded.diagnostics.items().empty());
}

void check_bad(const std::string& text, const std::string& code, const std::string& part) {
  const auto loaded = with_text(text);
  INFO(text << "\n" << all_findings(loaded));
  REQUIRE(loaded.diagnostics.items().size() == 1);
  const std::string column = std::to_string(11 + text.find("{{"));
  CHECK_THAT(findings(loaded).front(), StartsWith("15:" + column + " error[" + code + "]"));
  CHECK_THAT(findings(loaded).front(), ContainsSubstring(part));
}

}  // namespace

TEST_CASE("references that resolve") {
  check_good("{{ Param }} {{Fixed}} {{ env:ANY }} {{ aws:ssm:/p }} {{ aws:ssm:resolve(Param) }}");
  check_good("{{ aws:ssm:resolve(aws:ssm:/p) }} {{ aws:imds:placement/region }}");
  check_good("{{ build.Run.outputs.stdout }} {{ build.Run.outputs[0].stdout }}");
  check_good("{{ build.Get.inputs[1].destination }} {{ build.Get.outputs.destination }}");
  check_good("{{ build.Make.inputs.path }} {{ build.Make.inputs[0].path }}");
  for (const ContextKey& key : context_keys()) {
    check_good("{{ context:" + std::string(key.name) + " }}");
  }
}

TEST_CASE("names have to be declared") {
  check_bad("a {{ Parm }}", "unknown-reference", "did you mean 'Param'?");
  check_bad("{{ param }}", "unknown-reference", "did you mean 'Param'?");
  check_bad("{{ Elsewhere }}", "unknown-reference", "declare it:\nparameters:\n  - Elsewhere:");
  check_bad("{{ aws:ssm:resolve(Parm) }}", "unknown-reference", "did you mean 'Param'?");
  check_bad("{{ aws:ssm:resolve(/p/q) }}", "unknown-reference", "nothing that resolve() takes");
}

TEST_CASE("steps have to exist and to run before") {
  check_bad("{{ biuld.Run.outputs.stdout }}", "unknown-reference", "did you mean 'build'?");
  check_bad("{{ test.Run.outputs.stdout }}", "unknown-reference",
            "no phase is called 'test' | a reference starts with the phase: build");
  check_bad("{{ build.Rn.outputs.stdout }}", "unknown-reference", "did you mean 'Run'?");
  check_bad("{{ build.Late.outputs.stdout }}", "forward-reference", "runs later than this step");
  check_bad("{{ build.Here.outputs.stdout }}", "forward-reference", "cannot refer to itself");
}

TEST_CASE("steps of other phases count by their place") {
  const std::string steps =
      "schemaVersion: 1.0\nphases:\n"
      "- name: build\n  steps:\n  - {name: A, action: ExecuteBash, inputs: {commands: [ls]}}\n"
      "- name: test\n  steps:\n  - {name: A, action: ExecuteBash, inputs: {commands: "
      "['{{ build.A.outputs.stdout }}']}}\n";
  INFO(all_findings(load_text(steps)));
  CHECK(load_text(steps).diagnostics.items().empty());
  const auto turned = load_text(
      "schemaVersion: 1.0\nphases:\n"
      "- name: test\n  steps:\n  - {name: A, action: ExecuteBash, inputs: {commands: "
      "['{{ build.A.outputs.stdout }}']}}\n"
      "- name: build\n  steps:\n  - {name: A, action: ExecuteBash, inputs: {commands: [ls]}}\n");
  CHECK_THAT(all_findings(turned), ContainsSubstring("forward-reference"));
}

TEST_CASE("inputs and outputs have to be there") {
  check_bad("{{ build.Run.outputs.stdot }}", "unknown-reference", "did you mean 'stdout'?");
  check_bad("{{ build.Run.outputs.exitCode }}", "unknown-reference", "ExecuteBash gives stdout");
  check_bad("{{ build.Make.outputs.path }}", "unknown-reference", "CreateFolder gives none");
  check_bad("{{ build.Get.inputs[2].destination }}", "unknown-reference",
            "has 2 items of inputs, and none with index 2 | the first is [0], the last [1]");
  check_bad("{{ build.Get.outputs[2].destination }}", "unknown-reference", "index 2");
  check_bad("{{ build.Make.inputs[1].path }}", "unknown-reference", "has 1 item of inputs");
  check_bad("{{ build.Get.inputs[0].destinaton }}", "unknown-reference",
            "did you mean 'destination'?");
  check_bad("{{ build.Run.inputs.commands }}", "unknown-reference", "is a list, not text");
}

TEST_CASE("the world outside has its own names") {
  check_bad("{{ context:regoin }}", "unknown-reference", "did you mean 'region'?");
  check_bad("{{ context:instanceId }}", "unknown-reference", "aws:imds:instance-id");
  check_bad("{{ aws:imds:iam/security-credentials/x }}", "unknown-reference", "holds credentials");
  check_bad("{{ aws:imds:/identity-credentials/ec2 }}", "unknown-reference", "holds credentials");
  check_bad("{{ aws:imds:placement/../iam/info }}", "unknown-reference", "is no path");
  check_bad("{{ aws:imds:%69am/info }}", "unknown-reference", "is no path");
  check_good("{{ aws:imds:iamx/y }}");
}

TEST_CASE("braces of other languages are errors unless they are allowed") {
  check_bad("docker ps --format '{{ .ID }}'", "unknown-reference", "--allow-foreign-references");
  ValidationOptions options;
  options.allow_foreign_references = true;
  CHECK(with_text("{{ .ID }} {{ a | b }}", options).diagnostics.items().empty());
  CHECK(with_text("{{ Parm }}", options).diagnostics.error_count() == 1);
}

TEST_CASE("loop values belong to the inputs of their step") {
  const auto load = [](const std::string& text, const std::string& loop) {
    return load_steps("- name: a\n  action: CreateFolder\n  inputs: [{path: '" + text + "'}]\n" +
                      (loop.empty() ? "" : "  loop: {" + loop + ", forEach: [x]}\n"));
  };
  CHECK(load("{{ loop.index }}{{ loop.value }}{{ Each.value }}", "name: Each")
            .diagnostics.items()
            .empty());
  CHECK_THAT(all_findings(load("{{ Eech.value }}", "name: Each")),
             ContainsSubstring("error[unknown-reference] the loop of this step is not called "
                               "'Eech' | did you mean 'Each'?"));
  CHECK_THAT(all_findings(load("{{ Other.value }}", "name: ''")),
             ContainsSubstring("write loop before the dot"));
  const auto outside = load("{{ loop.value }}", "");
  CHECK(outside.diagnostics.error_count() == 0);
  CHECK_THAT(all_findings(outside), ContainsSubstring("stays as it is"));
}

TEST_CASE("a reference in a reference is warned of") {
  const auto loaded = with_text("{{ aws:ssm:/a/{{ Param }} }}");
  CHECK(loaded.diagnostics.error_count() == 0);
  CHECK_THAT(all_findings(loaded), ContainsSubstring("aws:ssm:resolve(Parameter)"));
}

TEST_CASE("every place that takes references is checked") {
  for (const char* step :
       {"- {name: a, action: Reboot, if: {fileExists: '{{ No }}'}}",
        "- {name: a, action: Reboot, if: {and: [{not: {stringEquals: x, value: '{{ No }}'}}]}}",
        "- {name: a, action: Assert, inputs: {stringEquals: '{{ No }}', value: x}}",
        "- {name: a, action: Reboot, loop: {forEach: [x, '{{ No }}']}}",
        "- {name: a, action: Reboot, loop: {forEach: {list: '{{ No }}'}}}",
        "- {name: a, action: ExecuteDocument, inputs: {document: x, parameters: "
        "[{name: b, value: '{{ No }}'}]}}"}) {
    const auto loaded = load_steps(step);
    INFO(step << "\n" << all_findings(loaded));
    CHECK(loaded.diagnostics.error_count() == 1);
    CHECK_THAT(all_findings(loaded), ContainsSubstring("no parameter or constant is called 'No'"));
  }
}

TEST_CASE("a reference that stands twice in a text is reported once") {
  CHECK(with_text("{{ No }} {{No}} {{ No }}").diagnostics.items().size() == 1);
}

TEST_CASE("a text full of mistakes is reported in part") {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "{{ No" + std::to_string(i) + " }}";
  CHECK(with_text(text).diagnostics.items().size() == 20);
}
