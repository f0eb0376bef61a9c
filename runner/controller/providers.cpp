#include <algorithm>
#include <array>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/container_provider.hpp"
#include "runner/controller/ec2_provider.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/qemu_provider.hpp"
#include "runner/controller/sandbox_provider.hpp"
#include "runner/controller/ssh_provider.hpp"

namespace toehold {

namespace {

struct Target {
  const char* name;
  std::unique_ptr<Provider> (*make)();
};

constexpr std::array targets{Target{"sandbox", make_sandbox_provider},
                             Target{"container", make_container_provider},
                             Target{"ssh", make_ssh_provider}, Target{"qemu", make_qemu_provider},
                             Target{"ec2", make_ec2_provider}};

}  // namespace

Plan plan_of(const Stage& stage) {
  PlanFilter filter;
  filter.phases = split(stage.phases, ',');
  return make_plan(stage.documents, filter);
}

std::vector<StepForecast> forecast_all_run(const Stage& stage, const std::string& why) {
  std::vector<StepForecast> rows;
  for (const PlannedStep& step : plan_of(stage).steps) {
    rows.push_back({step.id, step.phase->name + "." + step.step->name, "runs", why});
  }
  return rows;
}

std::vector<std::string> provider_names() {
  std::vector<std::string> names;
  for (const Target& target : targets) names.emplace_back(target.name);
  return names;
}

std::unique_ptr<Provider> make_provider(const std::string& name) {
  for (const Target& target : targets) {
    if (name == target.name) return target.make();
  }
  const std::string hint = did_you_mean(name, provider_names());
  throw Error(Error::Kind::usage, "there is no target '" + name + "' in this version",
              hint.empty() ? "targets: " + join(provider_names(), ", ") : hint);
}

}  // namespace toehold
