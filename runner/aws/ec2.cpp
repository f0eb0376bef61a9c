#include "runner/aws/ec2.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "runner/aws/ec2_wire.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws::ec2 {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view code, const std::array<std::string_view, N>& table) {
  return std::find(table.begin(), table.end(), code) != table.end();
}

constexpr std::array<std::string_view, 16> capacity_codes{"InsufficientInstanceCapacity",
                                                          "InsufficientHostCapacity",
                                                          "InsufficientCapacity",
                                                          "InsufficientCapacityOnHost",
                                                          "InsufficientCapacityOnOutpost",
                                                          "InsufficientReservedInstanceCapacity",
                                                          "InsufficientVolumeCapacity",
                                                          "InsufficientFreeAddressesInSubnet",
                                                          "InstanceLimitExceeded",
                                                          "HostLimitExceeded",
                                                          "VcpuLimitExceeded",
                                                          "MaxSpotInstanceCountExceeded",
                                                          "SpotMaxPriceTooLow",
                                                          "ReservationCapacityExceeded",
                                                          "UnfulfillableCapacity",
                                                          "Unsupported"};
constexpr std::array<std::string_view, 3> unauthorized_codes{
    "UnauthorizedOperation", "AccessDenied", "AccessDeniedException"};
constexpr std::array<std::string_view, 4> in_use_codes{"DependencyViolation", "InvalidGroup.InUse",
                                                       "InvalidSnapshot.InUse", "VolumeInUse"};
constexpr std::array<std::string_view, 3> state_codes{"IncorrectInstanceState", "IncorrectState",
                                                      "InvalidState"};
constexpr std::array<std::string_view, 3> resource_limit_codes{
    "ResourceLimitExceeded", "ConcurrentSnapshotLimitExceeded",
    "SnapshotCreationPerVolumeRateExceeded"};

/// StateReasons, and some messages, say whose fault it is in front.
std::string_view bare(std::string_view code) {
  for (const std::string_view side : {"Client.", "Server."}) {
    if (code.starts_with(side)) code.remove_prefix(side.size());
  }
  return code;
}

}  // namespace

Filters tag_filters(const Tags& tags) {
  Filters filters;
  for (const auto& [key, value] : tags) filters.push_back({"tag:" + key, {value}});
  return filters;
}

Result<Done> create_tags(const Region& region, const std::vector<std::string>& ids,
                         const Tags& tags, const Control& control) {
  Value::List pairs;
  for (const auto& [key, value] : tags) {
    pairs.push_back(Value::object({{"Key", key}, {"Value", value}}));
  }
  if (ids.empty() || pairs.empty()) return {Done{}, {}, {}};
  const Value parameters =
      Value::object({{"ResourceId", said(ids)}, {"Tag", Value(std::move(pairs))}});
  return do_call(region, ec2_call(region, "CreateTags", parameters, join(ids, ", ")), control);
}

bool is_not_found(const Failure& failure) {
  const std::string_view code = bare(failure.code);
  return code.ends_with("NotFound") || code.ends_with("NotFoundException") ||
         code == "InvalidAMIID.Unavailable";
}

bool is_capacity(const Failure& failure) {
  return is_capacity_code(failure.code);
}

bool is_capacity_code(std::string_view code) {
  return is_one_of(bare(code), capacity_codes);
}

bool is_duplicate(const Failure& failure) {
  const std::string_view code = bare(failure.code);
  return code.ends_with(".Duplicate") || code.find("AlreadyExists") != std::string_view::npos;
}

bool is_profile_lag(const Failure& failure) {
  const std::string message = lower(failure.message);
  return bare(failure.code) == "InvalidParameterValue" &&
         (message.find("iaminstanceprofile") != std::string::npos ||
          message.find("iam instance profile") != std::string::npos);
}

bool is_dependency_violation(const Failure& failure) {
  return is_one_of(bare(failure.code), in_use_codes);
}

bool is_dry_run_ok(const Failure& failure) {
  return bare(failure.code) == "DryRunOperation";
}

bool is_unauthorized(const Failure& failure) {
  return is_one_of(bare(failure.code), unauthorized_codes);
}

bool is_wrong_state(const Failure& failure) {
  return is_one_of(bare(failure.code), state_codes);
}

bool is_token_mismatch(const Failure& failure) {
  return bare(failure.code) == "IdempotentParameterMismatch";
}

bool is_resource_limit(const Failure& failure) {
  return is_one_of(bare(failure.code), resource_limit_codes);
}

}  // namespace toehold::aws::ec2
