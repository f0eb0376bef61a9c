#include "runner/engine/registry.hpp"

namespace toehold {

ActionRegistry::ActionRegistry(std::vector<Action> actions) : actions_(std::move(actions)) {
  for (std::size_t i = 0; i < actions_.size(); ++i) by_name_.emplace(actions_[i].info.name, i);
}

const Action* ActionRegistry::find(std::string_view name) const {
  const auto at = by_name_.find(std::string(name));
  return at == by_name_.end() ? nullptr : &actions_[at->second];
}

const ActionInfo* ActionRegistry::find_info(std::string_view name) const {
  const Action* action = find(name);
  return action ? &action->info : nullptr;
}

std::vector<const ActionInfo*> ActionRegistry::all_infos() const {
  std::vector<const ActionInfo*> infos;
  for (const Action& action : actions_) infos.push_back(&action.info);
  return infos;
}

}  // namespace toehold
