// The end of a build on EC2, for others: a message to a topic of SNS in the shape of Image
// Builder's, and the logs in a bucket. Called by the ec2 provider when everything else is over;
// makes nothing that has to be removed.
#pragma once

#include "runner/controller/ec2_options.hpp"
#include "runner/controller/provider.hpp"

namespace toehold {

/// What `snsTopicArn` is told, in the words of Image Builder's Image (API model of 2019-12-02)
/// where it has them; `logs`: where they have been put, or empty.
Value ec2_outcome_message(const Recipe& recipe, const std::string& build_id, UnixMillis started,
                          const BuildOutcome& outcome, const std::string& logs);

/// `logging` first, so that the message can name the place, then `snsTopicArn`. Never throws.
void tell_ec2_outcome(const Recipe& recipe, const BuildContext& context,
                      const BuildOutcome& outcome);

}  // namespace toehold
