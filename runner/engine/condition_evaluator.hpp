// Evaluates a Condition now: compares texts and numbers, looks at files, asks bash for programs.
// Called for `if:` by the step runner and for the Assert action. Changes nothing.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "runner/base/process.hpp"
#include "runner/document/condition.hpp"

namespace toehold {

class ConditionEvaluator {
 public:
  /// `resolve` gives a scalar's text with its references replaced.
  ConditionEvaluator(ProcessRunner& processes, std::stop_token stop,
                     std::function<std::string(const Value&)> resolve)
      : processes_(processes), stop_(std::move(stop)), resolve_(std::move(resolve)) {}

  /// Throws what `resolve` throws, and Error(document) for a pattern that RE2 does not accept.
  bool holds(const Condition& condition) const;

 private:
  bool compare(const Condition& condition) const;
  bool binary_exists(const std::string& name) const;

  ProcessRunner& processes_;
  std::stop_token stop_;
  std::function<std::string(const Value&)> resolve_;
};

/// -1, 0, 1 by value, exactly and for any number of digits; nullopt if one is no decimal number of
/// the form [+-]digits[.digits].
std::optional<int> compare_numbers(std::string_view a, std::string_view b);

}  // namespace toehold
