#include "runner/controller/layer_miss.hpp"

#include <algorithm>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// "input 'commands' and the environment"
std::string changed_parts(const Value& before, const Value& now) {
  std::vector<std::string> names;
  for (const auto& member : now.map()) {
    const Value* old = before.find(member.key);
    if (!old || old->text() != member.value.text()) names.push_back(member.key);
  }
  for (const auto& member : before.map()) {
    if (!now.find(member.key)) names.push_back(member.key);
  }
  if (names.size() < 2) return join(names, "");
  const std::string last = names.back();
  names.pop_back();
  return join(names, ", ") + " and " + last;
}

std::string what_differs(const LayerRecord& before, const WantedLayer& now) {
  if (before.action != now.action) return "its action was " + before.action;
  if (before.parent != now.parent) {
    return (now.ground.empty() ? "what was done before it" : now.ground) + " has changed";
  }
  const std::string parts = changed_parts(before.parts, now.parts);
  if (parts.empty()) return "its layer is not whole any more";
  return parts + (parts.find(" and ") == std::string::npos ? " has changed" : " have changed");
}

}  // namespace

LayerMiss explain_miss(const LayerStore& store, const WantedLayer& wanted) {
  std::optional<LayerRecord> nearest;
  const auto rank = [&](const LayerRecord& record) {
    return std::make_tuple(record.parent == wanted.parent, record.action == wanted.action,
                           record.made);
  };
  for (LayerRecord& record : store.list()) {
    if (record.step != wanted.step) continue;
    if (!nearest || rank(record) > rank(*nearest)) nearest = std::move(record);
  }
  if (!nearest) return {false, "the cache has no step of this name"};
  return {true, what_differs(*nearest, wanted) + " since " + rfc3339_utc(nearest->made)};
}

}  // namespace toehold
