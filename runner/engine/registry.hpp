// ActionRegistry: name -> Action. Filled from actions/builtin_actions by the mains, and with fakes
// by the tests; asked by the validator (as ActionCatalogue) and by the step runner.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/engine/action.hpp"

namespace toehold {

class ActionRegistry final : public ActionCatalogue {
 public:
  explicit ActionRegistry(std::vector<Action> actions);
  const Action* find(std::string_view name) const;
  const ActionInfo* find_info(std::string_view name) const override;
  std::vector<const ActionInfo*> all_infos() const override;

 private:
  std::vector<Action> actions_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

}  // namespace toehold
