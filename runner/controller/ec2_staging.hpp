// Where things go on their way to an instance of a build and from it: objects below a prefix of S3
// and, where the recipe names a group, streams of CloudWatch Logs. Called by the instance, by
// cleanup and by the sweep; what of it is used is the SSM transport's to know.
#pragma once

#include "runner/agent/aws_reach.hpp"
#include "runner/controller/ec2_options.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/ssm_transport.hpp"

namespace toehold {

/// Of the instance, or the part of a build that has one, as a thing of the inventory.
Ec2Thing staged_thing(const Ec2Thing& instance, const Ec2Options& options);
/// Fills in the places.
void set_places(SsmSettings& settings, const Ec2Thing& staged);
/// Whatever is there. Throws Error.
void remove_staged(AwsReach& reach, const Ec2Thing& staged);
/// The streams of all parts of a build, of which nothing but its tags is known. Throws Error.
void remove_log_streams(AwsReach& reach, const std::string& group, const std::string& build);

}  // namespace toehold
