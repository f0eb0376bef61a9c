// The user data of an instance: what cloud-init there does before anybody can be asked. Called by
// the ec2 target and the reader of its options; pure functions.
#pragma once

#include <chrono>
#include <string>

#include "runner/base/value.hpp"

namespace toehold {

struct Ec2UserData {
  std::chrono::seconds lease{0};
  std::string host_private;  // of sshd, known to us beforehand; empty: none
  std::string host_public;
  std::string login;  // public key that is let in beside the launch's key pair; empty: none
  std::string own;    // of the recipe, goes along with ours; empty: none
};

/// What cloud-init takes: `#cloud-config`, or several parts. Throws Error(usage) when it is more
/// than the 16 KiB that EC2 takes, or `own` is of a kind that cannot go along with ours.
std::string user_data_text(const Ec2UserData& data);

/// That of a recipe's additionalInstanceConfiguration, decoded; empty: none, or no base64.
std::string own_user_data(const Value& configuration);
/// Whether `own` is of a kind that can.
bool goes_with_ours(const std::string& own);
inline constexpr const char* own_user_data_hint =
    "begin it with #!, #cloud-config, #cloud-boothook or #include";

}  // namespace toehold
