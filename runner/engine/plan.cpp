#include "runner/engine/plan.hpp"

#include <algorithm>
#include <filesystem>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

bool names_step(const std::string& wanted, const PlannedStep& planned) {
  return wanted == planned.phase->name + "." + planned.step->name ||
         wanted == planned.phase->name || wanted == planned.id;
}

[[noreturn]] void no_such_step(const std::string& option, const std::string& wanted,
                               const Plan& plan) {
  std::vector<std::string> names;
  for (const PlannedStep& planned : plan.steps) {
    names.push_back(planned.phase->name + "." + planned.step->name);
  }
  std::string hint = did_you_mean(wanted, names);
  if (hint.empty()) {
    if (names.size() > 12) names.resize(12);
    hint = "the steps are: " + join(names, ", ");
  }
  throw Error(Error::Kind::usage, option + ": there is no step '" + wanted + "'", hint);
}

void leave_out_before(Plan& plan, const std::string& from) {
  const auto first =
      std::find_if(plan.steps.begin(), plan.steps.end(),
                   [&](const PlannedStep& planned) { return names_step(from, planned); });
  if (first == plan.steps.end()) no_such_step("--from", from, plan);
  for (auto step = plan.steps.begin(); step != first; ++step) step->left_out = true;
}

void leave_out_others(Plan& plan, const std::vector<std::string>& only) {
  for (PlannedStep& planned : plan.steps) planned.left_out = true;
  for (const std::string& wanted : only) {
    bool found = false;
    for (PlannedStep& planned : plan.steps) {
      if (!names_step(wanted, planned)) continue;
      planned.left_out = false;
      found = true;
    }
    if (!found) no_such_step("--only", wanted, plan);
  }
}

}  // namespace

bool is_remote_document(std::string_view name) {
  for (const char* beginning : {"s3://", "https://", "http://", "arn:"}) {
    if (name.starts_with(beginning)) return true;
  }
  return false;
}

std::string document_identity(const std::string& name) {
  if (is_remote_document(name)) return name;
  std::error_code error;
  const auto resolved = std::filesystem::weakly_canonical(name, error);
  return error ? name : resolved.string();
}

Plan make_plan(std::vector<DocumentRun> documents, const PlanFilter& filter,
               const std::string& id_prefix) {
  Plan plan;
  plan.documents = std::move(documents);
  for (std::size_t i = 0; i < plan.documents.size(); ++i) {
    const std::string id = id_prefix + std::to_string(i);
    plan.document_ids.push_back(id);
    for (const Phase& phase : plan.documents[i].document->phases) {
      const auto& chosen = filter.phases;
      if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), phase.name) == chosen.end()) {
        continue;
      }
      for (const Step& step : phase.steps) {
        plan.steps.push_back({i, &phase, &step, id + "/" + phase.name + "/" + step.name, false});
      }
    }
  }
  if (!filter.only.empty()) leave_out_others(plan, filter.only);
  if (!filter.from.empty()) leave_out_before(plan, filter.from);
  return plan;
}

}  // namespace toehold
