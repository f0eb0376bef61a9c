// Networks, security groups and key pairs of EC2, and which instance types there are where. Called
// by the target ec2 to find a place for an instance; chooses nothing itself.
// Source: the calls of these names in the EC2 API Reference.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/ec2.hpp"

namespace toehold::aws::ec2 {

struct Subnet {
  std::string id;
  std::string vpc_id;
  std::string zone;
  std::string state;  // "available"
  std::string cidr;
  std::int64_t free_addresses = 0;
  bool public_addresses = false;  // instances get one unless they say otherwise
  bool is_default = false;        // of its zone
  Tags tags;
};
Result<std::vector<Subnet>> find_subnets(const Region& region, const Filters& filters,
                                         const Control& control);

struct Vpc {
  std::string id;
  std::string state;
  std::string cidr;
  bool is_default = false;
  Tags tags;
};
Result<std::vector<Vpc>> find_vpcs(const Region& region, const Filters& filters,
                                   const Control& control);
/// nullopt: the region has none (any more).
Result<std::optional<Vpc>> default_vpc(const Region& region, const Control& control);

struct SecurityGroup {
  std::string id;
  std::string name;
  std::string description;
  std::string vpc_id;
  Tags tags;
};
Result<std::vector<SecurityGroup>> find_security_groups(const Region& region,
                                                        const Filters& filters,
                                                        const Control& control);
/// Its id. `name`: of one group of the VPC; after an answer that was lost, the call that repeats it
/// may fail as a duplicate (is_duplicate) of itself. Names and descriptions have at most 255
/// characters of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*
Result<std::string> create_security_group(const Region& region, const std::string& name,
                                          const std::string& description, const std::string& vpc_id,
                                          const Tags& tags, const Control& control);
struct Ingress {
  std::string cidr;  // IPv4 or IPv6
  int port = 22;     // of TCP
  std::string description;
};
/// No failure when it is allowed already.
Result<Done> authorize_ingress(const Region& region, const std::string& group_id,
                               const Ingress& ingress, const Tags& tags, const Control& control);
Result<Done> delete_security_group(const Region& region, const std::string& group_id,
                                   const Control& control);

struct KeyPair {
  std::string id;
  std::string name;
  std::string type;  // "ed25519", "rsa"
  std::string fingerprint;
  Tags tags;
};
/// `public_key`: "ssh-ed25519 AAAA... comment". Its id; a duplicate as with a security group.
Result<std::string> import_key_pair(const Region& region, const std::string& name,
                                    const std::string& public_key, const Tags& tags,
                                    const Control& control);
Result<std::vector<KeyPair>> find_key_pairs(const Region& region, const Filters& filters,
                                            const Control& control);
/// No failure when there is none.
Result<Done> delete_key_pair(const Region& region, const std::string& id, const Control& control);

struct TypeOffering {
  std::string type;
  std::string zone;
};
/// The zones that have these instance types. A type that nobody has is in none.
Result<std::vector<TypeOffering>> find_type_offerings(const Region& region,
                                                      const std::vector<std::string>& types,
                                                      const Control& control);

struct InstanceType {
  std::string name;
  std::vector<std::string> architectures;  // "x86_64", "arm64"
  std::vector<std::string> boot_modes;     // "legacy-bios", "uefi"
  std::vector<std::string> usage_classes;  // "on-demand", "spot"
  std::string hypervisor;                  // "nitro", "xen"; empty: bare metal
  std::int64_t cpus = 0;
  std::int64_t memory_mib = 0;
};
/// In calls of at most 100. One that the region does not have is a failure (InvalidInstanceType) of
/// all.
Result<std::vector<InstanceType>> describe_instance_types(const Region& region,
                                                          const std::vector<std::string>& types,
                                                          const Control& control);

}  // namespace toehold::aws::ec2
