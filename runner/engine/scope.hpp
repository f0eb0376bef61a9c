// Scope: what `{{ references }}` of one document resolve to at this moment: parameters, constants,
// loop values, and the inputs and outputs of the steps that ran. Called by the step runner for
// inputs, loops and conditions. A resolved text is never looked at for references again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/platform.hpp"
#include "runner/document/document.hpp"
#include "runner/document/template.hpp"

namespace toehold {

/// Where the step stands whose values are resolved.
struct StepFrame {
  std::string phase;
  std::string step;
  std::string loop_name;
  std::optional<std::string> loop_index;  // none outside of a loop
  std::string loop_value;
};

/// A parameter of Parameter Store, decrypted.
struct ParameterValue {
  std::string value;
  std::string type;  // "String", "StringList" or "SecureString"
};

/// What references ask of AWS; each throws Error. An empty one is Error(unsupported).
struct AwsLookups {
  std::function<ParameterValue(const std::string& name)> parameter;  // aws:ssm:
  std::function<std::string(const std::string& path)> metadata;      // aws:imds:
  std::function<std::string()> account_id;                           // context:accountId
  std::function<std::string()> region;                               // context:region
};

/// Facts of the run that `context:` references give, and the ways out to AWS.
struct ScopeFacts {
  std::string execution_id;
  const Platform* platform = nullptr;
  const Clock* clock = nullptr;
  AwsLookups aws;
  /// Called with every value that must not be shown.
  std::function<void(const std::string& secret)> register_secret;
  /// Called with what the user should know but need not act on.
  std::function<void(const std::string& text)> warn;
  bool strict = false;  // an unset `env:` variable is an error instead of the empty text
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

class Scope {
 public:
  /// `parameters`: what was given; declared defaults fill in, undeclared names are ignored. Throws
  /// Error(usage) for a value that `allowedValues` does not allow.
  Scope(const Document& document, const Parameters& parameters, ScopeFacts facts);

  /// Every scalar of `value` resolved; a scalar with a reference becomes text, others stay as they
  /// are. Throws Error(document) with `file:line:col` when a reference has no value.
  Value resolve(const Value& value, const StepFrame& frame) const;
  std::string resolve_text(const Value& scalar, const StepFrame& frame) const;

  /// For people: what is known before anything ran is filled in, the rest stays as it is written,
  /// and secrets are shown as ***.
  std::string preview(const std::string& text, const StepFrame& frame) const;

  /// Makes a step's inputs and outputs (lists of maps) available to those that follow.
  void record_inputs(const std::string& phase, const std::string& step, Value inputs);
  void record_outputs(const std::string& phase, const std::string& step, Value outputs);
  /// The same from an earlier run of the document, for steps that this run leaves out.
  void record_earlier(const std::string& phase, const std::string& step, Value inputs,
                      Value outputs);
  bool knows(const std::string& phase, const std::string& step) const;

 private:
  struct Recorded {
    Value inputs;
    Value outputs;
    bool ran = false;
  };
  std::string value_of(const Reference& reference, const StepFrame& frame) const;
  std::string step_value(const Reference& reference) const;
  std::string context_value(const std::string& key, const StepFrame& frame) const;
  std::string parameter_value(const Reference& reference, const StepFrame& frame) const;
  void hide(const ParameterValue& found, const std::string& name) const;
  std::string environment_value(const std::string& name) const;
  Recorded& recorded(const std::string& phase, const std::string& step);

  const Document& document_;
  ScopeFacts facts_;
  std::unordered_map<std::string, std::string> names_;
  std::unordered_map<std::string, Recorded> steps_;  // by "phase.step"
};

/// The `phase.step` that `message`, of a step that failed, says did not run in this run; for who
/// tells what to type next. nullopt: the step failed of something else.
std::optional<std::string> missing_step(std::string_view message);

}  // namespace toehold
