// What the target `ec2` makes in an account, as records of the inventory and as tags, so that both
// lead to it. Called by the parts of the target and by cleanup; asks AWS nothing.
#pragma once

#include <string>

#include "runner/aws/ec2.hpp"
#include "runner/base/clock.hpp"
#include "runner/controller/inventory.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

inline constexpr const char* ec2_target = "ec2";

inline constexpr const char* build_tag = "toehold:build-id";
inline constexpr const char* part_tag = "toehold:part";
/// RFC 3339 in UTC, or `delivered` for what is to stay.
inline constexpr const char* lease_tag = "toehold:lease-until";
inline constexpr const char* delivered = "delivered";
/// The group of CloudWatch Logs where streams of the build may be.
inline constexpr const char* log_group_tag = "toehold:log-group";

/// The id of an inventory record: what finds the thing again, whether or not AWS' answer came.
struct Ec2Thing {
  std::string region;
  std::string build;    // that made it
  std::string part;     // "build", "test": of an instance; of an image "image" or "copy"
  std::string name;     // of images, security groups, key pairs; of staged objects the address
  std::string token;    // that its creation was asked for with
  std::string account;  // of a copy elsewhere, with the role to take there
  std::string role;
  std::string log_group;  // of staged objects: where streams may be, too
};
std::string to_record_id(const Ec2Thing& thing);
/// Throws Error(state) for what is no such id.
Ec2Thing read_record_id(const std::string& id);

/// Ours and the user's, ours last: nobody may hide a thing from its cleanup.
aws::ec2::Tags ec2_tags(const Ec2Thing& thing, const std::string& name, const Parameters& more);
/// Whether the thing with these tags was made by the build of `thing`.
bool is_made_by(const Ec2Thing& thing, const aws::ec2::Tags& tags);

/// For ClientToken: the same for the same words, 64 characters.
std::string client_token(const std::vector<std::string>& words);

/// Of a build, for names in the account: "toehold-BUILD".
std::string ec2_name(const std::string& build_id);

}  // namespace toehold
