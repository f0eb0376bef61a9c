// The target `ec2`: an instance that is launched, built on, and made an image (AMI) of. Called by
// the table of targets only.
#pragma once

#include <memory>

#include "runner/controller/provider.hpp"

namespace toehold {

std::unique_ptr<Provider> make_ec2_provider();

}  // namespace toehold
