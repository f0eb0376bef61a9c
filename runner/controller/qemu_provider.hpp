// The target `qemu`: a virtual machine on this one, which boots and reboots as a machine does. Made
// by make_provider.
#pragma once

#include <memory>

#include "runner/controller/provider.hpp"

namespace toehold {

std::unique_ptr<Provider> make_qemu_provider();

}  // namespace toehold
