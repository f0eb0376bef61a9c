// Evaluates a Condition now: compares texts and numbers, looks at files, asks bash for programs.
// Called for `if:` by the step runner and for the Assert action. Changes nothing.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "runner/base/digest.hpp"
#include "runner/base/process.hpp"
#include "runner/document/condition.hpp"

namespace toehold {

/// What conditions ask of the machine that the steps run on; a seam, as that may be another one.
struct MachineProbe {
  std::function<bool(const std::string& name)> binary_exists;
  std::function<bool(const std::string& path)> file_exists;
  std::function<bool(const std::string& path)> folder_exists;
  /// Of a regular file, in hex; nullopt for whatever else is there. Throws Error(io).
  std::function<std::optional<std::string>(DigestAlgorithm, const std::string& path)> file_digest;
};
/// Of the machine that this process sees. `processes` outlives it.
MachineProbe probe_here(ProcessRunner& processes, std::stop_token stop);

class ConditionEvaluator {
 public:
  /// `resolve` gives a scalar's text with its references replaced. `probe` outlives it.
  ConditionEvaluator(const MachineProbe& probe, std::function<std::string(const Value&)> resolve)
      : probe_(probe), resolve_(std::move(resolve)) {}

  /// Throws what `resolve` throws, and Error(document) for a pattern that RE2 does not accept.
  bool holds(const Condition& condition) const;

 private:
  bool compare(const Condition& condition) const;
  bool has_digest(DigestAlgorithm algorithm, const std::string& path,
                  const std::string& expected) const;

  const MachineProbe& probe_;
  std::function<std::string(const Value&)> resolve_;
};

/// -1, 0, 1 by value, exactly and for any number of digits; nullopt if one is no decimal number of
/// the form [+-]digits[.digits].
std::optional<int> compare_numbers(std::string_view a, std::string_view b);

}  // namespace toehold
