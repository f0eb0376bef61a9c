// ActionInfo: what may be known of an action without being able to run it. One table per action;
// the validator, `describe`, the JSON Schema and the reference page all read it.
// Called by document/ and by everything above; holds no code that changes anything.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/fields.hpp"

namespace toehold {

/// What stands under `inputs:`.
enum class InputShape {
  single,     // one map; a list of one map is accepted
  each_item,  // a list of maps, done in order; one map is accepted
  condition,  // a comparison or logical operator (Assert)
};

enum Platforms : unsigned { linux_only = 1, macos_only = 2, windows_only = 4, every_platform = 7 };

struct OutputInfo {
  std::string name;
  std::string doc;
};

struct ActionInfo {
  std::string name;
  std::string summary;  // one sentence
  unsigned platforms = linux_only | macos_only;
  InputShape shape = InputShape::single;
  bool inputs_required = true;
  /// Doing it again after a crash in the middle ends in the same state. Decides what a resumed run
  /// does with a step that was running when the machine died.
  bool repeatable = false;
  bool takes_timeout = true;  // false: timeoutSeconds must stay away or be -1
  bool takes_attempts = true;
  std::vector<FieldInfo> inputs;
  std::vector<OutputInfo> outputs;
  std::string example;  // a whole step, as YAML, indented as a list item at column 0
  /// Checks beyond the table, for one input map; nullptr: none. Scalars for which `deferred` holds
  /// are not known yet and must not be judged; members may be missing or of a wrong kind, which the
  /// table has reported.
  std::function<void(const Value& item, const Deferred& deferred, Diagnostics&)> check;
};

/// The tables that the validator may ask, in the order of the reference page.
class ActionCatalogue {
 public:
  virtual ~ActionCatalogue() = default;
  virtual const ActionInfo* find_info(std::string_view name) const = 0;
  virtual std::vector<const ActionInfo*> all_infos() const = 0;
};

}  // namespace toehold
