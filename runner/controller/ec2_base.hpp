// The machine image that a build starts from: what the recipe names, looked up and pinned, so that
// a build that is resumed goes on from the same. Called by the ec2 target; makes nothing.
#pragma once

#include <string>

#include "runner/aws/ec2_images.hpp"
#include "runner/controller/ec2_place.hpp"

namespace toehold {

/// Throws Error that says what is not there, not ready, or cannot be built on. Of several images
/// that a name fits it is the newest.
aws::ec2::Image resolve_ec2_base(Ec2Place& place);

}  // namespace toehold
