// Images (AMIs) of EC2: looked up, made, copied, shared, dated, removed. Called by the target ec2
// and by distribution; waits for no state. Snapshots have ec2_snapshots.
// Source: the calls of these names in the EC2 API Reference.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2.hpp"
#include "runner/aws/ec2_instances.hpp"

namespace toehold::aws::ec2 {

struct Image {
  std::string id;
  std::string name;
  std::string description;
  std::string owner_id;
  std::string state;  // "pending", "available", "failed", "error", "deregistered", "disabled" ...
  Reason state_reason;
  std::optional<UnixMillis> created;
  std::string architecture;  // "x86_64", "arm64"
  std::string root_device_name;
  std::string root_device_type;  // "ebs"
  std::vector<BlockDevice> block_devices;
  std::string boot_mode;     // "uefi-preferred"; empty: not said
  std::string imds_support;  // "v2.0"; empty: not said
  std::string platform;      // "Linux/UNIX", "Windows" ...
  std::optional<UnixMillis> deprecated;
  std::string deregistration_protection;  // "disabled", "enabled-without-cooldown" ...
  std::string source_image_id;            // of a copy
  bool is_public = false;
  Tags tags;

  std::vector<std::string> snapshot_ids() const;
};

/// In calls of at most 100. One that is not there is a failure (is_not_found) of all.
Result<std::vector<Image>> describe_images(const Region& region,
                                           const std::vector<std::string>& ids,
                                           const Control& control);
/// `owners`: account ids, "self", "amazon", "aws-marketplace"; deprecated ones are among the found.
Result<std::vector<Image>> find_images(const Region& region, const std::vector<std::string>& owners,
                                       const Filters& filters, const Control& control);

struct CreateImageRequest {
  std::string instance_id;
  std::string name;  // of one image of the account and region
  std::string description;
  Tags image_tags;
  Tags snapshot_tags;
  bool no_reboot = false;
};
/// The id of an image that is pending. EC2 knows no client token here: after an answer that was
/// lost, the call that repeats it may fail as a duplicate (is_duplicate) of itself.
Result<std::string> create_image(const Region& region, const CreateImageRequest& request,
                                 const Control& control);

struct CopyImageRequest {
  std::string source_region;
  std::string source_image_id;
  std::string name;
  std::string description;
  std::string client_token;  // without one nothing is tried again
  std::optional<bool> encrypted;
  std::string kms_key_id;  // of `region`
  Tags image_tags;
  Tags snapshot_tags;
};
/// Into `region`; the id of an image that is pending.
Result<std::string> copy_image(const Region& region, const CopyImageRequest& request,
                               const Control& control);

/// Leaves its snapshots.
Result<Done> deregister_image(const Region& region, const std::string& image_id,
                              const Control& control);

struct LaunchPermission {
  std::vector<std::string> user_ids;
  std::vector<std::string> groups;  // "all"
  std::vector<std::string> organization_arns;
  std::vector<std::string> organizational_unit_arns;
  bool empty() const {
    return user_ids.empty() && groups.empty() && organization_arns.empty() &&
           organizational_unit_arns.empty();
  }
};
/// Who may launch it but its owner.
Result<LaunchPermission> launch_permission(const Region& region, const std::string& image_id,
                                           const Control& control);
/// Both may be empty; what is there already, or is not there, is no failure.
Result<Done> modify_launch_permission(const Region& region, const std::string& image_id,
                                      const LaunchPermission& add, const LaunchPermission& remove,
                                      const Control& control);

/// EC2 takes whole minutes of it, in the future and at most 10 years ahead.
Result<Done> enable_image_deprecation(const Region& region, const std::string& image_id,
                                      UnixMillis at, const Control& control);
/// `with_cooldown`: once disabled, it protects for 24 hours more.
Result<Done> enable_image_deregistration_protection(const Region& region,
                                                    const std::string& image_id, bool with_cooldown,
                                                    const Control& control);
Result<Done> disable_image_deregistration_protection(const Region& region,
                                                     const std::string& image_id,
                                                     const Control& control);

}  // namespace toehold::aws::ec2
