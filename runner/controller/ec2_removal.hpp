// How what a build has made in an account goes away again, whoever wants it gone: the build at its
// end, cleanup by the inventory, the sweep by tags, and a copy that takes another's place. What is
// gone already is no failure. Decides nothing about whose a thing is.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "runner/agent/aws_reach.hpp"
#include "runner/aws/ec2_instances.hpp"
#include "runner/base/clock.hpp"

namespace toehold {

/// How long AWS may not show what it has made (EC2 API Reference, "Eventual consistency").
inline constexpr std::chrono::seconds may_be_unseen{20};

/// Finds those instances that are not terminated.
aws::ec2::Filter not_terminated();
using FindInstances = std::function<std::vector<aws::ec2::Instance>()>;
/// Terminates the instances that are found, none of which is terminated, and waits until there are
/// none; for as long as `may_come` also for some to be shown at all. False when it takes more than
/// ten minutes. Throws Error.
bool end_ec2_instances(AwsReach& reach, const FindInstances& find, std::chrono::seconds may_come,
                       Clock& clock);
/// With its snapshots. Throws Error.
void remove_image_of(const aws::ec2::Region& region, const std::string& id,
                     const std::vector<std::string>& snapshots, const aws::Control& control);

}  // namespace toehold
