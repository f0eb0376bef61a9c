#include "runner/controller/distribution_result.hpp"

#include <algorithm>

#include "runner/base/text.hpp"

namespace toehold {

const Fields<DistributionResult>& distribution_result_fields() {
  // clang-format off
  static const Fields<DistributionResult> fields = Fields<DistributionResult>{}
      .required("region", &DistributionResult::region, "Where it is.")
      .required("account", &DistributionResult::account, "Whose it is.")
      .optional("image", &DistributionResult::image, "Its id; empty where there is none.")
      .optional("name", &DistributionResult::name, "Its name.")
      .optional("state", &DistributionResult::state, "`available`, or `failed` where something is missing.");
  // clang-format on
  return fields;
}

bool all_available(const std::vector<DistributionResult>& results) {
  return std::all_of(results.begin(), results.end(),
                     [](const DistributionResult& result) { return result.state == "available"; });
}

std::string failures_of(const std::vector<DistributionResult>& results) {
  std::vector<std::string> texts;
  for (const DistributionResult& result : results) {
    if (result.state == "available") continue;
    texts.push_back(result.region + " in account " + result.account + ": " + result.message);
  }
  return join(texts, "; ");
}

std::vector<DistributionResult> merged(std::vector<DistributionResult> known,
                                       const std::vector<DistributionResult>& now) {
  for (const DistributionResult& result : now) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const auto& other) {
      return other.region == result.region && other.account == result.account;
    });
    if (same == known.end()) {
      known.push_back(result);
    } else {
      *same = result;
    }
  }
  return known;
}

}  // namespace toehold
