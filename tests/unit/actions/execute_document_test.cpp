#include "actions/builtin_actions.hpp"
#include "runner/base/json.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("ExecuteDocument: the engine is given all fields and decides the outcome") {
  ActionHarness harness;
  Value seen;
  harness.run_document = [&](const Value& inputs) -> Outcome {
    seen = inputs;
    return Failed{"Document a.yaml failed!", {}, {}};
  };
  Value::List parameters;
  parameters.push_back(Value::object({{"name", "Port"}, {"value", "22"}}));
  const auto outcome = harness.run(
      execute_document(),
      Value::object(
          {{"document", "a.yaml"}, {"phases", "build"}, {"parameters", Value(parameters)}}));
  CHECK(std::get<Failed>(outcome).message == "Document a.yaml failed!");
  CHECK(to_json(seen) == R"({"document":"a.yaml","document-s3-bucket-owner":"","phases":"build",)"
                         R"("parameters":[{"name":"Port","value":"22"}]})");
}

TEST_CASE("ExecuteDocument: what the table does not allow never reaches the engine") {
  ActionHarness harness;
  CHECK_THAT(std::get<Failed>(harness.run(execute_document(), Value(Value::Map()))).message,
             ContainsSubstring("document"));
  CHECK_FALSE(execute_document().info.takes_timeout);
  CHECK_FALSE(execute_document().info.takes_attempts);
}
