// Whether the `{{ references }}` of a Document can resolve: names that exist, steps that ran
// before, inputs and outputs that they have. Called by the validator for each place that takes
// references; resolves nothing.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/document/action_info.hpp"
#include "runner/document/document.hpp"
#include "runner/document/template.hpp"

namespace toehold {

class ReferenceChecker {
 public:
  /// The arguments outlive the checker.
  ReferenceChecker(const Document& document, const ActionCatalogue& actions, bool allow_foreign,
                   Diagnostics& diagnostics);

  /// The step whose scalars are checked next, by its position in the document.
  void enter(std::size_t phase, std::size_t step);
  /// Every scalar in `value`. `loop`: the step's loop whose value may be named there; null for
  /// none.
  void check(const Value& value, const Loop* loop);

 private:
  struct PhaseIndex {
    std::size_t position = 0;
    std::unordered_map<std::string_view, std::size_t> steps;
  };

  void scalar(const Value& scalar, const Loop* loop);
  void reference(const Reference& reference, const Value& scalar, const Loop* loop);
  void name(const Reference& reference, const std::string& name, const Value& scalar);
  void ssm_name(const Reference& reference, const Value& scalar);
  void loop_name(const Reference& reference, const Value& scalar, const Loop* loop);
  void metadata_path(const Reference& reference, const Value& scalar);
  void context_key(const Reference& reference, const Value& scalar);
  void foreign(const Reference& reference, const Value& scalar);
  void step(const Reference& reference, const Value& scalar);
  void step_input(const Reference& reference, const Step& target, const Value& scalar);
  void step_output(const Reference& reference, const Step& target, const Value& scalar);
  bool index_in_range(const Reference& reference, const Step& target, const Value& scalar);

  void wrong(const DiagnosticCode& code, const Reference& reference, const Value& scalar,
             std::string message, std::string hint);
  /// False after a while: a suggestion looks at all names, and a document may have as many
  /// mistakes.
  bool suggests();
  std::vector<std::string> value_names() const;
  std::vector<std::string> step_names(const PhaseIndex& phase) const;

  const Document& document_;
  const ActionCatalogue& actions_;
  const bool allow_foreign_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string_view, const Parameter*> names_;  // null for constants
  std::unordered_map<std::string_view, PhaseIndex> phases_;
  std::size_t phase_ = 0;
  std::size_t step_ = 0;
  std::size_t suggestions_left_ = 100;
};

}  // namespace toehold
