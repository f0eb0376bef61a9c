#include "actions/builtin_actions.hpp"
#include "runner/base/json.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_shown = 500;

Outcome run(const Value& inputs, ActionContext& context) {
  if (context.evaluate(inputs)) return Succeeded{};
  std::string shown = to_json(inputs);
  if (shown.size() > most_shown) shown = shown.substr(0, most_shown) + "...";
  return Failed{"the assertion does not hold: " + shown, {}, {}};
}

}  // namespace

Action assert_action() {
  Action action;
  action.info.name = "Assert";
  action.info.summary = "Fails unless a condition holds.";
  action.info.platforms = every_platform;
  action.info.shape = InputShape::condition;
  action.info.repeatable = true;
  action.info.example = R"(- name: VersionIsRight
  action: Assert
  inputs:
    and:
      - stringEquals: 1.24.0
        value: '{{ validate.ReadVersion.outputs.stdout }}'
      - not:
          fileExists: /etc/nginx/broken
)";
  action.run = run;
  return action;
}

}  // namespace toehold
