// Removing objects, many with one call. Called by the SSM transport for what it has staged; asks
// nobody whether they are still wanted.
// Source: DeleteObjects of the Amazon S3 API Reference.
#pragma once

#include <string>
#include <vector>

#include "runner/aws/client.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::aws {

/// Any number of keys; one that is not there counts as removed. Throws Error that names the first
/// object which stays. `region`: the bucket's.
void remove_objects(Client& client, const std::string& region, const std::string& bucket,
                    const std::vector<std::string>& keys, const Control& control);
/// Everything whose key begins with `prefix.key`, which must end in '/'.
void remove_objects_below(Client& client, const std::string& region, const ObjectAddress& prefix,
                          const Control& control);

}  // namespace toehold::aws
