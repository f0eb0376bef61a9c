// Crashes, reboots and what the next process makes of them.
#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/engine_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

using Ledger = std::vector<std::string>;

const std::string three_steps = R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Say, inputs: {text: one}}
      - {name: Two, action: Do, maxAttempts: 1, inputs: {text: "{{ build.One.outputs.text }}2"}}
      - {name: Three, action: Say, inputs: {text: "{{ build.Two.outputs.text }}3"}}
)";

/// Crashes the first `crashes` times, then says what it did.
FakeRun dying(EngineHarness& harness, int& crashes) {
  return [&](const Value& inputs, ActionContext&) -> Outcome {
    harness.ledger.push_back("do " + inputs.find("text")->text());
    if (crashes-- > 0) throw Crash{};
    return Succeeded{{Value::object({{"text", inputs.find("text")->text()}})}};
  };
}

std::vector<Event> read_events(const std::string& journal) {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-journal-");
  write_file_atomically(folder.path() / "events.jsonl", journal);
  return read_journal(folder.path() / "events.jsonl").events;
}

}  // namespace

TEST_CASE("a step in doubt that may be repeated is repeated, the rest is not") {
  int crashes = 1;
  EngineHarness harness(three_steps);
  harness.action("Do", dying(harness, crashes), true);
  CHECK_THROWS_AS(harness.run(), Crash);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"one", "do one2", "do one2", "one23"});
  CHECK(harness.sink.all<Resumed>().front().reason == "interruption");
}

TEST_CASE("a step in doubt that may not be repeated fails and says so") {
  int crashes = 1;
  EngineHarness harness(three_steps);
  harness.action("Do", dying(harness, crashes));
  CHECK_THROWS_AS(harness.run(), Crash);
  SECTION("by default") {
    const RunEnd end = harness.run();
    CHECK(end.summary.status == "failed");
    CHECK(harness.ledger == Ledger{"one", "do one2"});
    CHECK_THAT(harness.sink.all<StepFinished>().front().message, ContainsSubstring("in doubt"));
    CHECK(harness.sink.all<AttemptFinished>().front().result == "inDoubt");
  }
  SECTION("unless the user says that it may") {
    harness.in_doubt = InDoubt::rerun;
    CHECK(harness.run().summary.status == "success");
    CHECK(harness.ledger == Ledger{"one", "do one2", "do one2", "one23"});
  }
}

TEST_CASE("an attempt in doubt is a failed attempt when there are more") {
  int crashes = 1;
  std::string document = three_steps;
  document.replace(document.find("maxAttempts: 1"), 14, "maxAttempts: 2");
  EngineHarness harness(document);
  harness.action("Do", dying(harness, crashes));
  CHECK_THROWS_AS(harness.run(), Crash);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.sink.all<AttemptStarted>().front().attempt == 2);
}

TEST_CASE("cut anywhere, the journal gives a run that loses nothing and repeats no finished step") {
  const std::string document = R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Say, inputs: {text: one}}
      - {name: Two, action: Say, loop: {forEach: [a, b]}, inputs: {text: "{{ loop.value }}"}}
      - {name: Skipped, action: Say, if: {stringIsEmpty: x}, inputs: {text: no}}
  - name: test
    steps:
      - {name: Call, action: ExecuteDocument, inputs: {document: child.yml}}
      - {name: End, action: Say, inputs: {text: "{{ build.One.outputs.text }} {{ build.Two.outputs.text }}"}}
)";
  const std::string nested = R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: In, action: Say, inputs: {text: in}}
)";
  const auto make = [&](EngineHarness& harness) {
    harness.file("child.yml", nested);
    harness.action(
        "Say",
        [&harness](const Value& inputs, ActionContext&) -> Outcome {
          harness.ledger.push_back(inputs.find("text")->text());
          return Succeeded{{Value::object({{"text", harness.ledger.back()}})}};
        },
        true);
  };
  EngineHarness whole(document);
  make(whole);
  REQUIRE(whole.run().summary.status == "success");
  const Ledger expected{"one", "a", "b", "in", "one a\nb"};
  REQUIRE(whole.ledger == expected);
  const std::string journal = whole.journal_text();
  EngineHarness again(document);
  make(again);
  for (std::size_t cut = 0; cut < journal.size(); cut += 149) {
    again.set_journal_text(journal.substr(0, cut));
    again.ledger.clear();
    const RunEnd end = again.run();
    INFO("cut at byte " << cut);
    REQUIRE(end.summary.status == "success");
    REQUIRE(end.summary.executed_steps == 4);
    // What ran now are the last ones of the whole; finished steps were left alone.
    REQUIRE(again.ledger.size() <= expected.size());
    REQUIRE(std::equal(again.ledger.rbegin(), again.ledger.rend(), expected.rbegin()));
    std::size_t finished = 0;
    RunState state;
    for (const Event& event : read_events(journal.substr(0, cut))) state.apply(event);
    for (const char* id : {"0/build/One", "0/test/Call>0/build/In", "0/test/End"}) {
      finished += state.step(id) && state.step(id)->finished;
    }
    REQUIRE(again.ledger.size() <= expected.size() - finished);
  }
}

TEST_CASE("a damaged record before the tail stops the run") {
  EngineHarness harness(three_steps);
  harness.action("Do", [](const Value&, ActionContext&) -> Outcome { return Succeeded{}; });
  harness.run();
  std::string journal = harness.journal_text();
  journal[journal.size() / 2] ^= 1;
  harness.set_journal_text(journal);
  CHECK_THROWS_AS(harness.run(), Error);
}

TEST_CASE("exit code 194: the same step runs again, with the same inputs, after the reboot") {
  int calls = 0;
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Boot, if: {stringEquals: a, value: a}, inputs: {text: "{{ context:uuid }}"}}
      - {name: Two, action: Say, inputs: {text: two}}
)");
  harness.action("Boot", [&](const Value& inputs, ActionContext&) -> Outcome {
    harness.ledger.push_back(inputs.find("text")->text());
    if (++calls == 1) return RebootRequired{RebootRequired::Resume::same_step, {}};
    return Succeeded{};
  });
  CHECK(harness.run().kind == RunEnd::Kind::rebooting);
  CHECK(harness.sink.all<RebootRequested>().front().resume == "sameStep");
  const RunEnd end = harness.run();
  CHECK(end.summary.status == "success");
  CHECK(harness.sink.all<Resumed>().front().reason == "reboot");
  REQUIRE(harness.ledger.size() == 3);
  CHECK(harness.ledger[0] == harness.ledger[1]);
  CHECK(harness.sink.all<AttemptStarted>().front().attempt == 1);
  CHECK(harness.sink.all<StepStarted>().size() == 1);
}

TEST_CASE("the Reboot action goes on with the next step") {
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Boot}
      - {name: Two, action: Say, inputs: {text: two}}
)");
  harness.action("Boot", [&](const Value&, ActionContext&) -> Outcome {
    harness.ledger.push_back("boot");
    return RebootRequired{RebootRequired::Resume::next_step, std::chrono::seconds(5)};
  });
  CHECK(harness.run().kind == RunEnd::Kind::rebooting);
  CHECK(harness.sink.all<RebootRequested>().front().delay_seconds == 5);
  CHECK(harness.run().summary.executed_steps == 2);
  CHECK(harness.ledger == Ledger{"boot", "two"});
}

TEST_CASE("a reboot in a loop goes on at the turn that asked") {
  int calls = 0;
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: L, action: Boot, loop: {forEach: [a, b, c]}, inputs: {text: "{{ loop.value }}"}}
)");
  harness.action("Boot", [&](const Value& inputs, ActionContext&) -> Outcome {
    harness.ledger.push_back(inputs.find("text")->text());
    if (++calls == 2) return RebootRequired{RebootRequired::Resume::same_step, {}};
    return Succeeded{{Value::object({{"text", harness.ledger.back()}})}};
  });
  CHECK(harness.run().kind == RunEnd::Kind::rebooting);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"a", "b", "b", "c"});
  CHECK(harness.sink.all<StepFinished>()[0].outputs.list()[0].find("text")->text() == "a\nb\nc");
}

TEST_CASE("a nested reboot resumes inside of the nested document") {
  int calls = 0;
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Call, action: ExecuteDocument, inputs: {document: child.yml}}
      - {name: End, action: Say, inputs: {text: end}}
)");
  harness.file("child.yml", R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Say, inputs: {text: one}}
      - {name: Two, action: Boot}
)");
  harness.action("Boot", [&](const Value&, ActionContext&) -> Outcome {
    if (++calls == 1) return RebootRequired{RebootRequired::Resume::same_step, {}};
    return Succeeded{};
  });
  CHECK(harness.run().kind == RunEnd::Kind::rebooting);
  CHECK(harness.sink.all<RebootRequested>().size() == 1);
  CHECK(harness.run().summary.status == "success");
  CHECK(calls == 2);
  CHECK(harness.ledger == Ledger{"one", "end"});
}

TEST_CASE("a crash after the reboot is a crash, not the reboot again") {
  int calls = 0;
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Boot}
)");
  harness.action("Boot", [&](const Value&, ActionContext&) -> Outcome {
    if (++calls == 1) return RebootRequired{RebootRequired::Resume::same_step, {}};
    throw Crash{};
  });
  CHECK(harness.run().kind == RunEnd::Kind::rebooting);
  CHECK_THROWS_AS(harness.run(), Crash);
  CHECK(harness.run().summary.status == "failed");
  CHECK(calls == 2);
}

TEST_CASE("a step that reboots for ever is stopped") {
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: Boot}
)");
  harness.action("Boot", [&](const Value&, ActionContext&) -> Outcome {
    return RebootRequired{RebootRequired::Resume::same_step, {}};
  });
  int reboots = 0;
  while (harness.run().kind == RunEnd::Kind::rebooting) REQUIRE(++reboots <= 10);
  CHECK(reboots == 10);
  CHECK_THAT(harness.sink.all<StepFinished>().front().message, ContainsSubstring("loop"));
}

TEST_CASE("a stop leaves a run that goes on") {
  EngineHarness harness(three_steps);
  harness.action("Do", [&](const Value&, ActionContext&) -> Outcome {
    harness.stop.request_stop();
    return Failed{"cancelled", {}, {}, false, true};
  });
  CHECK(harness.run().kind == RunEnd::Kind::interrupted);
  CHECK(harness.sink.all<RunFinished>().empty());
}
