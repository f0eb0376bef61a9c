#include "actions/builtin_actions.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("Reboot: goes on with the next step, after the delay") {
  ActionHarness harness;
  const auto plain = std::get<RebootRequired>(harness.run(reboot(), Value()));
  CHECK(plain.resume == RebootRequired::Resume::next_step);
  CHECK(plain.delay.count() == 0);
  // An interpolated number arrives as text.
  const Value inputs = Value::object({{"delaySeconds", "15"}});
  CHECK(std::get<RebootRequired>(harness.run(reboot(), inputs)).delay.count() == 15);
  const Value negative = Value::object({{"delaySeconds", -1}});
  CHECK(std::holds_alternative<Failed>(harness.run(reboot(), negative)));
}
