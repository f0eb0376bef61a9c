// The target `ssh`: a machine that is there already, reached over SSH. Made by make_provider; the
// machine is changed for good, so nothing is left of it to make images of.
#pragma once

#include <memory>

#include "runner/controller/provider.hpp"

namespace toehold {

std::unique_ptr<Provider> make_ssh_provider();

}  // namespace toehold
