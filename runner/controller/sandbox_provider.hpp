// The target `sandbox`: no daemon, no image to fetch, a new machine in milliseconds. Made by
// make_provider; steps run in a SandboxMachine, the engine and the logs stay outside.
#pragma once

#include <memory>

#include "runner/controller/provider.hpp"

namespace toehold {

std::unique_ptr<Provider> make_sandbox_provider();

}  // namespace toehold
