#include "tests/support/catch.hpp"
#include "tests/support/engine_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

using Ledger = std::vector<std::string>;

std::string calling(const std::string& path, const std::string& more = {}) {
  return "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Call\n"
         "        action: ExecuteDocument\n" +
         more + "        inputs: {document: " + path + "}\n";
}

const std::string child = R"(
schemaVersion: 1.0
parameters:
  - Who: {type: string, default: nobody}
phases:
  - name: build
    steps:
      - {name: First, action: Say, inputs: {text: "first {{ Who }}"}}
      - {name: Second, action: Say, inputs: {text: second}}
  - name: test
    steps:
      - {name: Third, action: Say, inputs: {text: third}}
)";

}  // namespace

TEST_CASE("a nested document gets its parameters and phases") {
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Call
        action: ExecuteDocument
        inputs:
          document: child.yml
          phases: build
          parameters:
            - {name: Who, value: you}
)");
  harness.file("child.yml", child);
  const RunEnd end = harness.run();
  CHECK(end.summary.status == "success");
  CHECK(end.summary.executed_steps == 1);
  CHECK(harness.ledger == Ledger{"first you", "second"});
  const auto finished = harness.sink.all<StepFinished>();
  CHECK(finished.front().step == "0/build/Call>0/build/First");
  const Value& summary = finished.back().outputs.list().front();
  CHECK(summary.find("executedStepCount")->text() == "2");
  CHECK(summary.find("status")->text() == "success");
}

TEST_CASE("a nested failure fails the step, an ignored one does not") {
  const std::string failing = R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: F, action: Fail, onFailure: )";
  EngineHarness harness(calling("child.yml"));
  harness.file("child.yml", failing + "Abort}\n");
  CHECK(harness.run().summary.status == "failed");
  CHECK(harness.sink.all<StepFinished>().back().message == "Document child.yml failed!");

  EngineHarness tolerant(calling("child.yml"));
  tolerant.file("child.yml", failing + "Ignore}\n");
  CHECK(tolerant.run().summary.status == "success");
}

TEST_CASE("a loop calls documents by name") {
  EngineHarness harness(
      calling("'part-{{ loop.value }}.yml'", "        loop: {forEach: [a, b]}\n"));
  harness.file("part-a.yml", child).file("part-b.yml", child);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger.size() == 6);
  CHECK(harness.sink.all<DocumentStarted>()[2].document == "0/build/Call#1>0");
}

TEST_CASE("cycles and depth are refused") {
  SECTION("a document that calls itself through another") {
    EngineHarness harness(calling("one.yml"));
    harness.file("one.yml", calling("two.yml")).file("two.yml", calling("one.yml"));
    CHECK(harness.run().summary.status == "failed");
    CHECK_THAT(harness.sink.all<StepFinished>().front().message, ContainsSubstring("in a circle"));
  }
  SECTION("three levels are fine, four are not") {
    EngineHarness harness(calling("1.yml"));
    harness.file("1.yml", calling("2.yml")).file("2.yml", calling("3.yml"));
    harness.file("3.yml", child);
    CHECK(harness.run().summary.status == "success");
    EngineHarness deeper(calling("1.yml"));
    deeper.file("1.yml", calling("2.yml")).file("2.yml", calling("3.yml"));
    deeper.file("3.yml", calling("4.yml")).file("4.yml", child);
    CHECK(deeper.run().summary.status == "failed");
    CHECK_THAT(deeper.sink.all<StepFinished>().front().message,
               ContainsSubstring("three levels deep"));
  }
}

TEST_CASE("an invalid nested document fails the step with its findings") {
  EngineHarness harness(calling("child.yml"));
  harness.file("child.yml", "schemaVersion: 1.0\nphases: nothing\n");
  CHECK(harness.run().summary.status == "failed");
  REQUIRE_FALSE(harness.sink.all<Note>().empty());
  CHECK_THAT(harness.sink.all<Note>().front().text, ContainsSubstring("child.yml:2"));
}

TEST_CASE("a nested document goes on where it was") {
  int crashes = 1;
  EngineHarness harness(calling("child.yml"));
  harness.file("child.yml", R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: First, action: Say, inputs: {text: first}}
      - {name: Dies, action: Dies}
      - {name: Last, action: Say, inputs: {text: last}}
)");
  harness.action(
      "Dies",
      [&](const Value&, ActionContext&) -> Outcome {
        if (crashes-- > 0) throw Crash{};
        return Succeeded{};
      },
      true);
  CHECK_THROWS_AS(harness.run(), Crash);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"first", "last"});
}

TEST_CASE("a nested document that changed meanwhile is not gone on with") {
  EngineHarness harness(calling("child.yml"));
  harness.file("child.yml", child);
  int crashes = 1;
  harness.action("Say", [&](const Value&, ActionContext&) -> Outcome {
    if (crashes-- > 0) throw Crash{};
    return Succeeded{};
  });
  CHECK_THROWS_AS(harness.run(), Crash);
  harness.file("child.yml", child + "# edited\n");
  CHECK(harness.run().summary.status == "failed");
  CHECK_THAT(harness.sink.all<StepFinished>().back().message, ContainsSubstring("has changed"));
}

TEST_CASE("the owner of a nested document's bucket is handed on") {
  EngineHarness harness(R"(
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Call
        action: ExecuteDocument
        inputs: {document: 's3://b/child.yml', document-s3-bucket-owner: 012345678901}
)");
  harness.file("s3://b/child.yml", child);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.bucket_owners == Ledger{"012345678901"});
}

TEST_CASE("documents from elsewhere that call each other in a circle") {
  EngineHarness harness(calling("s3://b/one.yml"));
  harness.file("s3://b/one.yml", calling("s3://b/two.yml"));
  harness.file("s3://b/two.yml", calling("s3://b/one.yml"));
  CHECK(harness.run().summary.status == "failed");
  const auto steps = harness.sink.all<StepFinished>();
  CHECK_THAT(steps[0].message,
             ContainsSubstring("s3://b/one.yml -> s3://b/two.yml -> s3://b/one.yml"));
}
