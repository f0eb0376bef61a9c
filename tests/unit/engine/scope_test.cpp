#include "runner/engine/scope.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/engine_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

using Ledger = std::vector<std::string>;

/// One `Say` step for each text, and the parameter Name.
std::string say(const Ledger& texts) {
  std::string document =
      "schemaVersion: 1.0\nparameters:\n  - Name:\n      type: string\n      default: /of/name\n"
      "phases:\n  - name: build\n    steps:\n";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    document += "      - name: S" + std::to_string(i) +
                "\n        action: Say\n        inputs: " + "{text: '" + texts[i] + "'}\n";
  }
  return document;
}

/// Parameter Store with these, and what it was asked for.
struct Store {
  std::map<std::string, ParameterValue> parameters;
  Ledger asked;

  void serve(EngineHarness& harness) {
    harness.aws.parameter = [this](const std::string& name) {
      asked.push_back(name);
      const auto at = parameters.find(name);
      if (at == parameters.end()) throw Error(Error::Kind::aws, "no " + name, "make it");
      return at->second;
    };
  }
};

std::string failure(const EngineHarness& harness) {
  return harness.sink.all<StepFinished>().back().message;
}

}  // namespace

TEST_CASE("parameters of Parameter Store are asked once a run and kept as secrets") {
  EngineHarness harness(
      say({"{{ aws:ssm:/a }}, {{aws:ssm:/a}}", "{{ aws:ssm:/list }}", "{{ aws:ssm:/a }}"}));
  Store store{{{"/a", {"value-of-a", "SecureString"}}, {"/list", {"x,y", "StringList"}}}, {}};
  store.serve(harness);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"value-of-a, value-of-a", "x,y", "value-of-a"});
  CHECK(store.asked == Ledger{"/a", "/list"});
  CHECK(harness.secrets == Ledger{"value-of-a", "value-of-a", "x,y", "value-of-a"});
}

TEST_CASE("resolve() takes a name from a parameter of either kind") {
  EngineHarness harness(
      say({"{{ aws:ssm:resolve(Name) }}", "{{ aws:ssm:resolve(aws:ssm:/pointer) }}"}));
  Store store{{{"/of/name", {"by-name", "String"}},
               {"/pointer", {"/pointed", "String"}},
               {"/pointed", {"by-pointer", "SecureString"}}},
              {}};
  store.serve(harness);
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"by-name", "by-pointer"});
  // What is only a name is not masked, or no message could say which parameter it means.
  CHECK(harness.secrets == Ledger{"by-name", "by-pointer"});
}

TEST_CASE("a parameter that cannot be had fails the step and says why") {
  EngineHarness harness(say({"{{ aws:ssm:/gone }}"}));
  Store store;
  store.serve(harness);
  CHECK(harness.run().summary.status == "failed");
  CHECK(failure(harness) == "top.yml:11:25: resolving {{ aws:ssm:/gone }}: no /gone (make it)");
}

TEST_CASE("a value of several lines fails the step, without being shown") {
  EngineHarness harness(say({"{{ aws:ssm:/key }}"}));
  Store store{{{"/key", {"first line\nsecond line", "SecureString"}}}, {}};
  store.serve(harness);
  CHECK(harness.run().summary.status == "failed");
  CHECK_THAT(failure(harness), ContainsSubstring("parameter /key has several lines"));
  CHECK_THAT(failure(harness), !ContainsSubstring("first line"));
  CHECK(harness.secrets == Ledger{"first line\nsecond line"});
}

TEST_CASE("a secret too short to be masked is told of") {
  EngineHarness harness(say({"{{ aws:ssm:/pin }}"}));
  Store store{{{"/pin", {"4711", "SecureString"}}}, {}};
  store.serve(harness);
  CHECK(harness.run().summary.status == "success");
  const auto notes = harness.sink.all<Note>();
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].text == "the value of parameter /pin is too short to be masked in logs");
}

TEST_CASE("after an interruption a parameter has the value that it had before") {
  EngineHarness harness(say({"{{ aws:ssm:/a }}", "{{ aws:ssm:/a }}"}));
  Store store{{{"/a", {"the-first-value", "String"}}}, {}};
  store.serve(harness);
  bool crashes = true;
  harness.action(
      "Say",
      [&](const Value& inputs, ActionContext&) -> Outcome {
        harness.ledger.push_back(inputs.find("text")->text());
        if (std::exchange(crashes, false)) throw Crash{};
        return Succeeded{};
      },
      true);
  CHECK_THROWS_AS(harness.run(), Crash);
  store.parameters["/a"].value = "the-second-value";
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"the-first-value", "the-first-value", "the-first-value"});
  CHECK(store.asked == Ledger{"/a"});
}

TEST_CASE("metadata, account and region come from where the run was told to ask") {
  EngineHarness harness(
      say({"{{ aws:imds:instance-id }} {{ context:accountId }} {{ context:region }}"}));
  harness.aws.metadata = [](const std::string& path) { return "<" + path + ">"; };
  harness.aws.account_id = [] { return "123456789012"; };
  harness.aws.region = [] { return "eu-west-3"; };
  CHECK(harness.run().summary.status == "success");
  CHECK(harness.ledger == Ledger{"<instance-id> 123456789012 eu-west-3"});
  CHECK(harness.secrets.empty());
}

TEST_CASE("what nobody can be asked is said") {
  EngineHarness harness(say({"{{ aws:ssm:/a }}"}));
  CHECK(harness.run().summary.status == "failed");
  CHECK_THAT(failure(harness), ContainsSubstring("Parameter Store cannot be asked here"));
}
