// KMS: whose a key is. Called by the distribution of images: what AWS' own keys encrypt cannot be
// shared. Encrypts nothing.
// Source: DescribeKey of the KMS API Reference.
#pragma once

#include <string>

#include "runner/aws/query.hpp"

namespace toehold::aws {

struct Key {
  std::string arn;
  bool is_of_aws = false;  // and not the customer's: its policy cannot be changed
};
/// `key`: an id, an ARN, or an alias with `alias/` before it.
Result<Key> describe_key(Client& client, const std::string& region, const std::string& key,
                         const Control& control);

}  // namespace toehold::aws
