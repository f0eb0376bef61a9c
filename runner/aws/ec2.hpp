// What the ec2_ files share: a region to call, tags, filters, and which failures mean what. Called
// by the target ec2 and by distribution; it makes nothing, tries nothing again and waits for
// nothing.
// Source: the EC2 API Reference, version 2016-11-15, and its list of error codes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runner/aws/query.hpp"

namespace toehold::aws::ec2 {

/// Where calls go. A Client is for one thread, so this is, too.
struct Region {
  Client& client;
  std::string name;  // "eu-central-1"; empty: the session's
};

using Tags = std::map<std::string, std::string>;
/// `{"state", {"available", "pending"}}`: any of them. With several filters all have to hold.
struct Filter {
  std::string name;  // "image-id", "tag:Name", "tag-key" ...
  std::vector<std::string> values;
};
using Filters = std::vector<Filter>;
/// One filter a tag: what has all of these.
Filters tag_filters(const Tags& tags);

struct Reason {
  std::string code;  // "Server.SpotInstanceTermination"
  std::string message;
};

/// Adds or replaces tags of up to 1,000 things.
Result<Done> create_tags(const Region& region, const std::vector<std::string>& ids,
                         const Tags& tags, const Control& control);

// By its code. A failure without an answer is none of these.

/// It is not there, not yet there, or there no more: Invalid...NotFound, InvalidAMIID.Unavailable.
bool is_not_found(const Failure& failure);
/// There is no room for it now, or none for this account: another type, zone or market may do.
bool is_capacity(const Failure& failure);
/// The same of a code by itself, as an instance's StateReason has it.
bool is_capacity_code(std::string_view code);
/// Its name is taken.
bool is_duplicate(const Failure& failure);
/// RunInstances does not know the instance profile, which IAM may have only just made.
bool is_profile_lag(const Failure& failure);
/// Something is in use by another, such as a security group by an instance that is ending.
bool is_dependency_violation(const Failure& failure);
/// It would have been done.
bool is_dry_run_ok(const Failure& failure);
bool is_unauthorized(const Failure& failure);
/// Not in the state for it: a machine that is still stopping, an image that is still pending.
bool is_wrong_state(const Failure& failure);
/// The client token was used before, for something else.
bool is_token_mismatch(const Failure& failure);
/// Too much of it is going on, as snapshot copies into one region; it can be done later.
bool is_resource_limit(const Failure& failure);

}  // namespace toehold::aws::ec2
