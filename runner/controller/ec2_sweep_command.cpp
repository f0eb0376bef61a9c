#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/ec2_place.hpp"
#include "runner/controller/ec2_sweep.hpp"

namespace toehold {

namespace {

struct Found {
  std::string region;
  std::vector<SweptThing> things;
};

bool is_wanted(bool yes) {
  if (yes) return true;
  if (::isatty(STDIN_FILENO) != 1) {
    std::puts("nothing was removed; to do it: add --yes");
    return false;
  }
  std::printf("Remove them? [y/N] ");
  std::fflush(stdout);
  std::string line;
  return std::getline(std::cin, line) && lower(std::string(trim(line))) == "y";
}

bool remove_all(const Found& found, Clock& clock, const CommandContext& context) {
  bool clean = true;
  AwsReach reach(context.stop, found.region);
  for (const SweptThing& thing : found.things) {
    try {
      remove_swept(reach, clock, thing);
      std::printf("removed  %s %s\n", thing.kind.c_str(), thing.id.c_str());
    } catch (const Error& error) {
      std::printf("STILL THERE  %s %s: %s\n", thing.kind.c_str(), thing.id.c_str(),
                  error.full_message().c_str());
      clean = false;
    }
    std::fflush(stdout);
  }
  return clean;
}

}  // namespace

ExitCode sweep_ec2(const std::vector<std::string>& regions, bool yes,
                   const CommandContext& context) {
  SystemClock clock;
  std::vector<Found> all;
  std::size_t count = 0;
  for (const std::string& region : regions.empty() ? std::vector<std::string>{""} : regions) {
    AwsReach reach(context.stop, region);
    const std::string name = region_of_calls(reach, "name it: --region REGION");
    all.push_back({region, expired_things(find_things_of_builds(reach), clock.unix_millis())});
    for (const SweptThing& thing : all.back().things) {
      std::printf("%-15s %-14s %-24s build %s, lease until %s\n", name.c_str(), thing.kind.c_str(),
                  thing.id.c_str(), printable(thing.build).c_str(), printable(thing.lease).c_str());
    }
    count += all.back().things.size();
  }
  if (count == 0) {
    std::puts("nothing is left of builds whose lease is over");
    return ExitCode::success;
  }
  if (!is_wanted(yes)) return ExitCode::success;
  bool clean = true;
  for (const Found& found : all) clean = remove_all(found, clock, context) && clean;
  return clean ? ExitCode::success : ExitCode::failure;
}

}  // namespace toehold
