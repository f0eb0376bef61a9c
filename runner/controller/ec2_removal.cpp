#include "runner/controller/ec2_removal.hpp"

#include <algorithm>

#include "runner/aws/ec2_images.hpp"
#include "runner/aws/ec2_instances.hpp"
#include "runner/aws/ec2_snapshots.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;
namespace ec2 = aws::ec2;

constexpr auto termination_patience = 600s;

}  // namespace

ec2::Filter not_terminated() {
  return {"instance-state-name", {"pending", "running", "stopping", "stopped", "shutting-down"}};
}

bool end_ec2_instances(AwsReach& reach, const FindInstances& find, std::chrono::seconds may_come,
                       Clock& clock) {
  const ec2::Region region{reach.client(), {}};
  const Monotonic begun = clock.monotonic();
  for (auto pause = 500ms;; pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, 2s)) {
    std::vector<std::string> ids;
    const std::vector<ec2::Instance> found = find();
    for (const ec2::Instance& one : found) {
      if (one.state != "shutting-down") ids.push_back(one.id);
    }
    if (!ids.empty()) ec2::terminate_instances(region, ids, reach.control()).require();
    if (!found.empty()) may_come = 0s;
    const auto waited = clock.monotonic() - begun;
    if (found.empty() && waited >= may_come) return true;
    if (waited > termination_patience || !clock.sleep_for(pause, {})) return false;
  }
}

void remove_image_of(const ec2::Region& region, const std::string& id,
                     const std::vector<std::string>& snapshots, const aws::Control& control) {
  auto gone = ec2::deregister_image(region, id, control);
  if (gone.failure && !ec2::is_not_found(*gone.failure)) gone.require();
  for (const std::string& snapshot : snapshots) {
    auto deleted = ec2::delete_snapshot(region, snapshot, control);
    if (deleted.failure && !ec2::is_not_found(*deleted.failure)) deleted.require();
  }
}

}  // namespace toehold
