// Ec2Place: the account and region that one build works in: its options, its calls, and what every
// part of the target says, waits and tags alike. Made once a build by the ec2 provider.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runner/agent/aws_reach.hpp"
#include "runner/aws/ec2.hpp"
#include "runner/controller/aws_share.hpp"
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
  /// To a person, in a line.
  void say(const std::string& text) const { context_.say(text); }
  AwsReach& reach() { return reach_; }
  /// What to ask for the states of things that are waited for.
  aws::Watcher& watcher() { return region_.watcher; }
  aws::Client& client() { return reach_.client(); }
  /// For what is removed: that is done although somebody wants us to stop.
  AwsReach& reach_to_remove();
  /// Notes that the thing of the record is gone when `removed` says so; what fails of that is a
  /// warning that names `what`. Nothing is done when another machine drives the build now.
  void remove(std::int64_t record, const std::string& what, const std::function<bool()>& removed);
  /// False when another build of this process is to have an image of that name.
  bool takes_image_name(const std::string& name) {
    return region_.takes_image_name(name, context_.build_id);
  }
  aws::ec2::Region here() { return {reach_.client(), {}}; }
  aws::Control control() const { return reach_.control(); }
  /// Throws Error(aws) when nothing says it.
  std::string region();
  Ec2Thing thing(const std::string& part, const std::string& name = {});
  /// Of what a build makes on its way.
  aws::ec2::Tags tags(const std::string& part);
  /// As the tag has it: a lease from now on.
  std::string lease_end() const;

  /// The last answer of `ask`, a call that names what we have only just made: for some minutes it
  /// is made again while EC2 says that there is no such thing.
  template <class Ask>
  auto of_young(const Ask& ask) -> decltype(ask()) {
    const Monotonic begun = context_.clock.monotonic();
    for (;;) {
      auto answer = ask();
      const bool unseen = answer.failure && aws::ec2::is_not_found(*answer.failure);
      const bool is_young = context_.clock.monotonic() - begun < std::chrono::minutes(5);
      if (!unseen || !is_young || !context_.clock.sleep_for(std::chrono::seconds(1), context_.stop))
        return answer;
    }
  }
  /// Asks until it is true: 1 s apart at first, then up to 2 s; that it cannot be asked is borne
  /// for some minutes. Throws Error(timeout) that says `what` was waited for, Error(cancelled).
  void wait_until(const std::string& what, std::chrono::seconds longest,
                  const std::function<bool()>& is_true);

 private:
  const Recipe& recipe_;
  const BuildContext& context_;
  Ec2Options options_;
  std::unique_ptr<AwsShare> own_;
  AwsShare::Region& region_;
  AwsReach reach_;
  std::optional<AwsReach> reach_to_remove_;
};

/// That calls go to which name none. `how`: what to type for another, for the error of the case
/// that nothing says it. Throws Error(aws).
std::string region_of_calls(AwsReach& reach, const std::string& how);

/// On stderr, of a command that is no build.
void say_of_ec2(const std::string& text);

}  // namespace toehold
