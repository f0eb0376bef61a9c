// Ec2Place: the account and region that one build works in: its options, its calls, and what every
// part of the target says, waits and tags alike. Made once a build by the ec2 provider.
#pragma once

#include <functional>
#include <string>

#include "runner/agent/aws_reach.hpp"
#include "runner/aws/ec2.hpp"
#include "runner/controller/ec2_options.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/provider.hpp"

namespace toehold {

class Ec2Place {
 public:
  /// The references outlive it. Asks AWS nothing yet.
  Ec2Place(const Recipe& recipe, const BuildContext& context);

  const Recipe& recipe() const { return recipe_; }
  const BuildContext& context() const { return context_; }
  const Ec2Options& options() const { return options_; }
  AwsReach& reach() { return reach_; }
  aws::Client& client() { return reach_.client(); }
  aws::ec2::Region here() { return {reach_.client(), {}}; }
  aws::Control control() const { return reach_.control(); }
  /// Throws Error(aws) when nothing says it.
  std::string region();
  Ec2Thing thing(const std::string& part, const std::string& name = {});
  /// Of what a build makes on its way.
  aws::ec2::Tags tags(const std::string& part);
  /// As the tag has it: a lease from now on.
  std::string lease_end() const;

  /// Asks until it is true: 1 s apart at first, then up to 15 s. Throws Error(timeout) that says
  /// `what` was waited for, Error(cancelled).
  void wait_until(const std::string& what, std::chrono::seconds longest,
                  const std::function<bool()>& is_true);

 private:
  const Recipe& recipe_;
  const BuildContext& context_;
  Ec2Options options_;
  AwsReach reach_;
};

/// To a person, on stderr.
void say_of_ec2(const std::string& text);

}  // namespace toehold
