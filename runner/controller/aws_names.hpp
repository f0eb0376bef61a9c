// How names and ids of AWS look, as far as a slip of the pen can be seen without asking AWS. Called
// by the readers of recipes; no list of what there is, which would grow old.
#pragma once

#include <string>
#include <string_view>

namespace toehold {

/// Not empty, and of these characters alone.
bool only(std::string_view text, std::string_view characters);
/// 12 digits.
bool is_account(const std::string& text);
/// "eu-west-1", "us-gov-east-1".
bool is_region(const std::string& text);
/// "sg-0123456789abcdef0" with the prefix "sg-": hexadecimal digits, how many is left to AWS.
bool is_resource_id(const std::string& text, const std::string& prefix);
/// "t3.medium", "u-6tb1.56xlarge".
bool is_instance_type(const std::string& text);
/// Rules of S3 for general purpose buckets.
bool is_bucket_name(const std::string& text);
inline constexpr const char* bucket_name_hint =
    "a name has 3 to 63 lower-case letters, digits, '-' and '.', no other sign and no folder";
/// Of IAM, without its path.
bool is_instance_profile_name(const std::string& text);
/// "198.51.100.0/24", "2001:db8::/32": an address and the length of its prefix.
bool is_address_range(const std::string& text);

}  // namespace toehold
