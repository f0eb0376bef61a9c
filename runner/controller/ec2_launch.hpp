// An instance from an image: the list of what to try, in order, and trying it until one is to be
// had. Called by the ec2 target; a try that AWS' answer was lost of is asked for again and gives
// the same instance.
#pragma once

#include <string>
#include <vector>

#include "runner/aws/ec2_images.hpp"
#include "runner/aws/ec2_instances.hpp"
#include "runner/controller/ec2_place.hpp"

namespace toehold {

struct LaunchTry {
  std::string market;  // "on-demand", "spot"
  std::string type;
  std::string subnet;  // empty: the account's default
};
/// Types within markets, subnets within types: the first is what is wanted most.
std::vector<LaunchTry> launch_tries(const Ec2Options& options, const std::string& architecture);
/// "t3.medium, spot, in subnet-1"
std::string describe(const LaunchTry& one);

struct LaunchPlan {
  aws::ec2::Image image;
  std::string part;  // "build", "test"
  std::vector<std::string> security_groups;
  std::string key_name;
  std::string user_data;
  bool on_demand_only = false;  // what was spot has been taken back
};

/// Asks whether we may, before anything is made. Throws Error(aws) that names what is not allowed.
void check_launch(Ec2Place& place, const LaunchPlan& plan);
/// Throws Error(aws) when none of the tries succeeds, with what each came to.
aws::ec2::Instance launch_ec2(Ec2Place& place, const LaunchPlan& plan);

/// The instance of an earlier process, or a launch that waited long, may have little left of its
/// lease, and then a sweep takes it: tags it with a whole one unless most of it is left.
void renew_lease_tag(Ec2Place& place, const aws::ec2::Instance& instance);

/// The next one of this part is another: with a lease of its own from the beginning.
void forget_launch(Ec2Place& place, const std::string& part);

/// The instance of this build and part that is not gone, if there is one.
std::optional<aws::ec2::Instance> find_ec2_instance(AwsReach& reach, const Ec2Thing& thing);
/// Terminates those that a record names and waits until they are gone. `may_be_young`: looks for a
/// while, since AWS may not show yet what was just asked for.
bool remove_ec2_instances(aws::Watcher& watcher, AwsReach& reach, Clock& clock,
                          const Ec2Thing& thing, bool may_be_young);

}  // namespace toehold
