// Instances of EC2: launched, looked at, stopped, terminated. Called by the target ec2; waits for
// no state.
// Source: RunInstances, DescribeInstances, TerminateInstances, StopInstances and GetConsoleOutput
// of the EC2 API Reference.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2.hpp"
#include "runner/base/clock.hpp"

namespace toehold::aws::ec2 {

/// In the words of Image Builder's and EC2's block device mappings.
struct Ebs {
  std::optional<bool> encrypted;
  std::optional<bool> delete_on_termination;
  std::optional<std::int64_t> iops;
  std::string kms_key_id;
  std::string snapshot_id;
  std::optional<std::int64_t> volume_size;  // GiB
  std::string volume_type;                  // "gp3"
  std::optional<std::int64_t> throughput;   // MiB/s
};
struct BlockDevice {
  std::string device_name;  // "/dev/xvda"
  std::optional<Ebs> ebs;
  std::string virtual_name;  // "ephemeral0"
  bool no_device = false;    // not this device of the image
};

struct MetadataOptions {
  std::string http_tokens;  // "required", "optional"; empty: as image and account have it
  std::optional<std::int64_t> hop_limit;  // 1 to 64
  std::optional<bool> instance_tags;
};

struct Placement {
  std::string zone;     // "eu-central-1a"
  std::string tenancy;  // "default", "dedicated", "host"
  std::string host_id;
  std::string host_resource_group_arn;
};

/// What is empty is not said. The instance is terminated when it is shut down from inside.
struct LaunchRequest {
  std::string image_id;
  std::string instance_type;
  std::string subnet_id;
  std::vector<std::string> security_group_ids;
  std::string client_token;      // at most 64 characters; without one nothing is tried again
  std::string instance_profile;  // a name or an ARN
  std::string user_data;         // as the instance will see it; at most 16 KiB
  std::vector<BlockDevice> block_devices;
  MetadataOptions metadata;
  bool spot = false;  // one-time; terminated when it is interrupted
  std::string key_name;
  Placement placement;
  std::optional<bool> public_address;  // said: whatever the subnet's setting is
  Tags tags;  // of the instance, its volumes and network interface, and its spot request
};

struct Instance {
  std::string id;
  std::string state;  // "pending", "running", "shutting-down", "terminated", "stopping", "stopped"
  Reason state_reason;
  std::string state_transition_reason;  // "User initiated (2026-11-26 05:01:02 GMT)"
  std::string image_id;
  std::string type;
  std::string zone;
  std::string subnet_id;
  std::string vpc_id;
  std::string private_address;
  std::string public_address;
  std::string architecture;
  std::optional<UnixMillis> launched;
  std::string root_device_name;
  std::vector<std::string> volume_ids;
  std::string lifecycle;  // "spot", "scheduled"; empty: on demand
  std::string key_name;
  std::string client_token;
  Tags tags;
};

Result<Instance> run_instance(const Region& region, const LaunchRequest& request,
                              const Control& control);
/// RunInstances as a dry run: all right, or what it would fail of. Finds what the credentials lack,
/// and a profile that is not known yet; not a lack of capacity.
Result<Done> try_run_instance(const Region& region, const LaunchRequest& request,
                              const Control& control);

/// In calls of at most 100. Those that EC2 does not know (yet, or any more) are left out.
Result<std::vector<Instance>> describe_instances(const Region& region,
                                                 const std::vector<std::string>& ids,
                                                 const Control& control);
Result<std::vector<Instance>> find_instances(const Region& region, const Filters& filters,
                                             const Control& control);

/// No failure when they are ending or have ended already.
Result<Done> terminate_instances(const Region& region, const std::vector<std::string>& ids,
                                 const Control& control);
Result<Done> stop_instances(const Region& region, const std::vector<std::string>& ids,
                            const Control& control);

/// What the machine has printed, the newest 64 KiB of it where its type can tell, else as it was
/// after the last start. Empty: nothing yet.
Result<std::string> console_output(const Region& region, const std::string& id,
                                   const Control& control);

}  // namespace toehold::aws::ec2
