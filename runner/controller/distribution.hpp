// Brings an image to the regions and accounts of a recipe's distributions. Called by the build flow
// once the image has passed its tests, and by `toehold distribute`, which repeats or completes it:
// what is there already is seen and left as it is.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/aws/session.hpp"
#include "runner/base/source.hpp"
#include "runner/controller/distribution_result.hpp"
#include "runner/controller/distribution_spec.hpp"
#include "runner/controller/inventory.hpp"

namespace toehold {

struct DistributionRequest {
  std::string image;     // "ami-..."
  std::string region;    // its own
  std::string build_id;  // empty: of its tag, else its own id
  UnixMillis built = 0;  // when the build began; 0: when the image was made
  std::string name;      // of the recipe; empty: of the image
  std::string version;   // of the recipe
  std::vector<Distribution> distributions;
  SourcePtr source;  // the recipe's text, for messages; may be null
};

/// They outlive the call.
struct DistributionTools {
  aws::Session& session;
  Inventory& inventory;
  Clock& clock;
  std::stop_token stop;
  std::function<void(const std::string&)> tell;  // one line for a person; from one thread at a time
};

/// All regions have come to an end when it returns, the failed ones too. Throws Error(document)
/// for mistakes that are seen before anything is copied, Error(usage) for an image that is not
/// ours, Error(aws) where the image cannot be looked at or shared.
std::vector<DistributionResult> distribute(const DistributionRequest& request,
                                           const DistributionTools& tools);

}  // namespace toehold
