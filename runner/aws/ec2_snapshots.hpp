// Snapshots of EBS that images are made of: looked at, shared and removed. Called by the target ec2
// and by distribution; waits for no state. Source: DescribeSnapshots, ModifySnapshotAttribute and
// DeleteSnapshot of the EC2 API Reference.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2.hpp"

namespace toehold::aws::ec2 {

struct Snapshot {
  std::string id;
  std::string state;           // "pending", "completed", "error", "recoverable", "recovering"
  std::string status_message;  // why there is an error
  int progress = 0;            // percent
  std::string owner_id;
  std::string volume_id;
  std::optional<std::int64_t> volume_size;  // GiB
  bool encrypted = false;
  std::string kms_key_id;
  std::string description;
  Tags tags;
};

/// In calls of at most 100. One that is not there is a failure (is_not_found) of all.
Result<std::vector<Snapshot>> describe_snapshots(const Region& region,
                                                 const std::vector<std::string>& ids,
                                                 const Control& control);
/// Of this account.
Result<std::vector<Snapshot>> find_snapshots(const Region& region, const Filters& filters,
                                             const Control& control);
/// Lets these accounts copy it: an image that is shared without its snapshots can only be launched.
Result<Done> share_snapshot(const Region& region, const std::string& snapshot_id,
                            const std::vector<std::string>& accounts, const Control& control);
/// One that an image is made of is in use (is_dependency_violation).
Result<Done> delete_snapshot(const Region& region, const std::string& snapshot_id,
                             const Control& control);

}  // namespace toehold::aws::ec2
