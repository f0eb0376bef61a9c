#include "runner/engine/engine.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/engine_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

std::string steps(const std::string& body) {
  return "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n" + body;
}

std::string say(const std::string& name, const std::string& more = {}) {
  return "      - name: " + name + "\n        action: Say\n" + more +
         "        inputs: {text: " + name + "}\n";
}

std::string fail(const std::string& name, const std::string& more = {}) {
  return "      - name: " + name + "\n        action: Fail\n" + more;
}

const std::string on_failure_continue = "        onFailure: Continue\n";
const std::string on_failure_ignore = "        onFailure: Ignore\n";

using Ledger = std::vector<std::string>;

}  // namespace

TEST_CASE("steps run in order and outputs chain") {
  EngineHarness harness(steps(say("One") + R"(
      - name: Two
        action: Say
        inputs: {text: "got {{ build.One.outputs.text }} and {{ build.One.inputs.text }}"}
)"));
  const RunEnd end = harness.run();
  CHECK(end.summary.status == "success");
  CHECK(end.summary.executed_steps == 2);
  CHECK(harness.ledger == Ledger{"One", "got One and One"});
}

TEST_CASE("Abort stops everything after it") {
  EngineHarness harness(steps(say("One") + fail("Two") + say("Three")) +
                        "  - name: validate\n    steps:\n" + say("Four"));
  const RunEnd end = harness.run();
  CHECK(end.summary.status == "failed");
  CHECK(end.summary.executed_steps == 2);
  CHECK(end.summary.failed_steps == 1);
  CHECK(end.summary.message == "Document top.yml failed!");
  CHECK(harness.statuses() == "0/build/One=success 0/build/Two=failed");
}

TEST_CASE("Continue goes on through later phases and still fails") {
  EngineHarness harness(steps(fail("One", on_failure_continue) + say("Two")) +
                        "  - name: validate\n    steps:\n" + say("Three"));
  const RunEnd end = harness.run();
  CHECK(end.summary.status == "failed");
  CHECK(end.summary.executed_steps == 3);
  CHECK(harness.statuses() == "0/build/One=failed 0/build/Two=success 0/validate/Three=success");
  const auto phases = harness.sink.all<PhaseFinished>();
  REQUIRE(phases.size() == 2);
  CHECK(phases[0].status == "failed");
  CHECK(phases[1].status == "success");
}

TEST_CASE("Ignore counts as success, apart") {
  EngineHarness harness(steps(fail("One", on_failure_ignore) + say("Two")));
  const RunEnd end = harness.run();
  CHECK(end.summary.status == "successWithIgnoredFailure");
  CHECK(is_success(end.summary.status));
  CHECK(end.summary.failed_steps == 0);
  CHECK(end.summary.ignored_failed_steps == 1);
  CHECK(end.summary.message.empty());
}

TEST_CASE("a failure outweighs an ignored one") {
  EngineHarness harness(steps(fail("One", on_failure_continue) + fail("Two", on_failure_ignore)));
  CHECK(harness.run().summary.status == "failed");
}

TEST_CASE("maxAttempts is the number of tries") {
  int calls = 0;
  EngineHarness harness(steps(R"(
      - {name: Once, action: Flaky, maxAttempts: 3}
)"));
  harness.action("Flaky", [&](const Value&, ActionContext&) -> Outcome {
    if (++calls < 3) return Failed{"not yet", 1, {}};
    return Succeeded{};
  });
  CHECK(harness.run().summary.status == "success");
  CHECK(calls == 3);
  const auto attempts = harness.sink.all<AttemptFinished>();
  REQUIRE(attempts.size() == 3);
  CHECK(attempts[0].result == "failed");
  CHECK(attempts[0].exit_code == 1);
  CHECK(attempts[2].result == "success");
  CHECK(harness.sink.all<StepFinished>()[0].attempts == 3);
}

TEST_CASE("if decides between execute, skip and abort") {
  EngineHarness harness(
      steps(say("Skipped", "        if: {stringEquals: a, value: b}\n") +
            say("Run", "        if: {stringEquals: a, value: A}\n") +
            say("Stop", "        if: {stringEquals: a, value: a, then: Abort}\n") + say("Never")));
  const RunEnd end = harness.run();
  CHECK(harness.statuses() == "0/build/Skipped=skipped 0/build/Run=success 0/build/Stop=failed");
  CHECK(harness.ledger == Ledger{"Run"});
  CHECK(end.summary.executed_steps == 2);
}

TEST_CASE("a skipped step's outputs are an error where they are used") {
  EngineHarness harness(steps(say("One", "        if: {stringIsEmpty: x}\n") + R"(
      - name: Two
        action: Say
        inputs: {text: "{{ build.One.outputs.text }}"}
)"));
  CHECK(harness.run().summary.status == "failed");
  CHECK_THAT(harness.sink.all<StepFinished>()[1].message,
             ContainsSubstring("it was skipped") && ContainsSubstring("top.yml:"));
}

TEST_CASE("loops") {
  const auto loop_over = [](const std::string& loop) {
    EngineHarness harness(
        steps("      - name: L\n        action: Say\n        loop: " + loop +
              "\n        inputs: {text: \"{{ loop.index }}:{{ loop.value }}\"}\n"));
    harness.run();
    return harness.ledger;
  };
  CHECK(loop_over("{for: {start: 1, end: 5, updateBy: 2}}") == Ledger{"0:1", "1:3", "2:5"});
  CHECK(loop_over("{for: {start: 2, end: 1, updateBy: -1}}") == Ledger{"0:2", "1:1"});
  CHECK(loop_over("{forEach: [a, b]}") == Ledger{"0:a", "1:b"});
  CHECK(loop_over("{forEach: {list: 'a;;b', delimiter: ';'}}") == Ledger{"0:a", "1:", "2:b"});
}

TEST_CASE("outputs of a loop are joined by newlines, and failed turns have none") {
  EngineHarness harness(steps(R"(
      - name: L
        action: Say
        loop: {name: N, forEach: [Hello, World]}
        inputs: {text: "{{ N.value }}"}
      - name: After
        action: Say
        inputs: {text: "{{ build.L.outputs.text }}"}
)"));
  harness.run();
  CHECK(harness.ledger.back() == "Hello\nWorld");
}

TEST_CASE("a failing turn ends the loop, and a retry begins it again") {
  int calls = 0;
  EngineHarness harness(steps(R"(
      - name: L
        action: Flaky
        maxAttempts: 2
        loop: {forEach: [a, b, c]}
        inputs: {text: "{{ loop.value }}"}
)"));
  harness.action("Flaky", [&](const Value& inputs, ActionContext&) -> Outcome {
    harness.ledger.push_back(inputs.find("text")->text());
    if (++calls == 2) return Failed{"no", 1, {}};
    return Succeeded{};
  });
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"a", "b", "a", "b", "c"});
  CHECK_THAT(harness.sink.all<AttemptFinished>()[0].message, ContainsSubstring("index 1"));
}

TEST_CASE("the phases and steps that are asked for") {
  const std::string document =
      steps(say("One") + say("Two") + say("Three")) + "  - name: test\n    steps:\n" + say("Four");
  SECTION("phases in document order, an unknown one is no error") {
    EngineHarness harness(document);
    harness.filter.phases = {"test", "nothing"};
    CHECK(harness.run().summary.executed_steps == 1);
    CHECK(harness.ledger == Ledger{"Four"});
  }
  SECTION("from") {
    EngineHarness harness(document);
    harness.filter.from = "build.Three";
    harness.run();
    CHECK(harness.ledger == Ledger{"Three", "Four"});
  }
  SECTION("only") {
    EngineHarness harness(document);
    harness.filter.only = {"build.Two", "test"};
    harness.run();
    CHECK(harness.ledger == Ledger{"Two", "Four"});
  }
}

TEST_CASE("a left-out step's outputs come from the run before") {
  EngineHarness harness(steps(say("One") + R"(
      - name: Two
        action: Say
        inputs: {text: "{{ build.One.outputs.text }}!"}
)"));
  harness.run();
  RunState previous;
  for (const Event& event : harness.sink.events) previous.apply(event);
  harness.set_journal_text("");
  harness.ledger.clear();
  harness.filter.from = "build.Two";
  SECTION("with it") {
    harness.previous = previous;
    CHECK(harness.run().summary.status == "success");
    CHECK(harness.ledger == Ledger{"One!"});
  }
  SECTION("without it the error says what to do") {
    CHECK(harness.run().summary.status == "failed");
    CHECK_THAT(harness.sink.all<StepFinished>()[0].message,
               ContainsSubstring("did not run in this run"));
    CHECK(missing_step(harness.sink.all<StepFinished>()[0].message) == "build.One");
  }
}

TEST_CASE("what an action throws is a failure of its step") {
  EngineHarness harness(steps("      - {name: One, action: Throw}\n"));
  harness.action("Throw", [](const Value&, ActionContext&) -> Outcome {
    throw Error(Error::Kind::io, "the disk is gone");
  });
  CHECK(harness.run().summary.status == "failed");
  CHECK(harness.sink.all<StepFinished>()[0].message == "the disk is gone");
}

TEST_CASE("a timeout is told as one") {
  EngineHarness harness(steps("      - {name: One, action: Slow, timeoutSeconds: 5}\n"));
  harness.action("Slow", [](const Value&, ActionContext& context) -> Outcome {
    CHECK_FALSE(context.deadline.never());
    return Failed{"timed out", {}, {}, true};
  });
  harness.run();
  CHECK(harness.sink.all<AttemptFinished>()[0].result == "timedOut");
  CHECK(harness.sink.all<StepFinished>()[0].message == "the step timed out after 5 s");
}

TEST_CASE("parameters and constants") {
  EngineHarness harness(R"(
schemaVersion: 1.0
parameters:
  - Given: {type: string, default: d1}
  - Default: {type: string, default: d2}
  - Empty: {type: string}
constants:
  - Fixed: {type: string, value: 18.40}
phases:
  - name: build
    steps:
      - name: One
        action: Say
        inputs: {text: "{{ Given }}|{{ Default }}|{{ Empty }}|{{ Fixed }}|{{context:step}}"}
)");
  harness.parameters = {{"Given", "g"}, {"Unknown", "u"}};
  harness.run();
  CHECK(harness.ledger == Ledger{"g|d2||18.40|One"});
}
