#include "actions/builtin_actions.hpp"

namespace toehold {

namespace {

struct RebootInputs {
  std::int64_t delay_seconds = 0;
};

constexpr std::int64_t most_delay_seconds = 7 * 24 * 3600;

Outcome run(const RebootInputs& inputs, ActionContext& context) {
  context.note("Reboot: the machine is to be rebooted; the run goes on with the next step");
  return RebootRequired{RebootRequired::Resume::next_step,
                        std::chrono::seconds(inputs.delay_seconds)};
}

}  // namespace

Action reboot() {
  Action action = make_action("Reboot", "Reboots the machine; the run goes on with the next step.",
                              Fields<RebootInputs>{}
                                  .optional("delaySeconds", &RebootInputs::delay_seconds,
                                            "How many seconds to wait before the reboot.", "0")
                                  .range(0, most_delay_seconds),
                              run);
  action.info.platforms = linux_only | windows_only;
  action.info.inputs_required = false;
  action.info.repeatable = true;
  action.info.example = R"(- name: BootNewKernel
  action: Reboot
  inputs:
    delaySeconds: 10
)";
  return action;
}

}  // namespace toehold
