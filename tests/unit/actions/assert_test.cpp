#include "actions/builtin_actions.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("Assert: what holds succeeds, what does not fails and is shown") {
  ActionHarness harness;
  const Value condition = Value::object({{"stringEquals", "a"}, {"value", "b"}});
  harness.evaluate = [&](const Value& inputs) {
    CHECK(inputs == condition);
    return true;
  };
  CHECK(std::get<Succeeded>(harness.run(assert_action(), condition)).outputs.empty());
  harness.evaluate = [](const Value&) { return false; };
  CHECK(std::get<Failed>(harness.run(assert_action(), condition)).message ==
        R"(the assertion does not hold: {"stringEquals":"a","value":"b"})");
  const Value big = Value::object({{"stringEquals", std::string(5000, 'x')}, {"value", "b"}});
  CHECK(std::get<Failed>(harness.run(assert_action(), big)).message.size() < 600);
}
