// The sweep: what builds have left in an account, found by our tags alone, whichever machine they
// ran on. Called by `cleanup --target ec2`; a build is left alone as long as any thing of it has a
// lease that runs, and what does not carry all of our tags is not seen at all.
#pragma once

#include <string>
#include <vector>

#include "runner/agent/aws_reach.hpp"
#include "runner/agent/program.hpp"
#include "runner/aws/ec2.hpp"
#include "runner/base/clock.hpp"

namespace toehold {

struct SweptThing {
  std::string kind;  // "instance", "image", "snapshot", "security-group", "key-pair"
  std::string id;
  std::string build;
  std::string lease;                   // as the tag has it
  std::vector<std::string> snapshots;  // of an image
  std::string log_group = {};          // where streams of its build may be, too
};

/// All things of builds here, but for images that were delivered. Throws Error.
std::vector<SweptThing> find_things_of_builds(AwsReach& reach);
/// Those whose build has no lease that runs at `now`, in the order to remove them in.
std::vector<SweptThing> expired_things(std::vector<SweptThing> things, UnixMillis now);
/// Shows them, and removes them if that is wanted: `yes`, or a person says so.
ExitCode sweep_ec2(const std::vector<std::string>& regions, bool yes,
                   const CommandContext& context);
/// Removes one; waits for an instance to be gone. The log streams of its build go with it. Throws
/// Error.
void remove_swept(AwsReach& reach, Clock& clock, const SweptThing& thing);

}  // namespace toehold
