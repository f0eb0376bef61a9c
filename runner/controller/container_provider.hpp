// The target `container`: steps run in a container of podman or docker, made from any image and
// kept as one. Made by make_provider; the agent runs in the container and is its first process.
#pragma once

#include <memory>

#include "runner/controller/provider.hpp"

namespace toehold {

std::unique_ptr<Provider> make_container_provider();

}  // namespace toehold
