// What lets us in to an instance: a security group of the build's own, and over SSH a key that is
// imported. Made once a build, used by its build and its test instance. Called by the ec2 target;
// lets in nobody but who builds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/controller/ec2_place.hpp"
#include "runner/controller/transports/ssh.hpp"

namespace toehold {

/// The private keys of a build, in its folder.
struct Ec2Keys {
  explicit Ec2Keys(const std::filesystem::path& folder)
      : identity(folder / "identity"), host_key(folder / "host_key") {}
  std::filesystem::path identity;  // that we log in with
  std::filesystem::path host_key;  // that the instance's sshd is to have
};
Ec2Keys make_ec2_keys(const BuildContext& context);
/// For ssh, what names the host key of this address.
std::filesystem::path trust_host_key(const Ec2Keys& keys, const BuildContext& context,
                                     const std::string& address);

/// The recipe's security groups, else the build's own, which is made if it is not there.
std::vector<std::string> ec2_security_groups(Ec2Place& place);
/// The name of the imported key, which is imported if it is not there.
std::string ec2_key_pair(Ec2Place& place, const Ec2Keys& keys);

/// For cleanup: true when what the record names is gone, or was; false when instances use it for
/// longer than a minute.
bool remove_security_group(AwsReach& reach, const Ec2Thing& thing, Clock& clock);
bool remove_key_pair(AwsReach& reach, const Ec2Thing& thing);

}  // namespace toehold
