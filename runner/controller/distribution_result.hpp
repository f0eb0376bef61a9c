// What became of an image in one account of one region. Made by distribute(), shown by the commands
// and kept in the manifest.
#pragma once

#include <string>
#include <vector>

#include "runner/base/fields.hpp"

namespace toehold {

struct DistributionResult {
  std::string region;
  std::string account;
  std::string image;  // "ami-..."; empty when there is none
  std::string name;
  std::string state;                 // "available", or "failed"
  std::string message = {};          // why it failed
  std::vector<std::string> changes;  // what was done: "copied", "2 tags" ...
};
/// As the manifest has it: without message and changes.
const Fields<DistributionResult>& distribution_result_fields();

bool all_available(const std::vector<DistributionResult>& results);
/// "eu-west-1 in account 123456789012: why; us-east-1 ...": of those that failed.
std::string failures_of(const std::vector<DistributionResult>& results);
/// Those of `known` with `now` in place of what is of the same account and region.
std::vector<DistributionResult> merged(std::vector<DistributionResult> known,
                                       const std::vector<DistributionResult>& now);

}  // namespace toehold
