// The packages of a machine that is reached through a Transport. Called by the providers of such
// machines, for manifests; installs nothing.
#pragma once

#include <stop_token>

#include "runner/controller/packages.hpp"
#include "runner/controller/transports/transport.hpp"

namespace toehold {

/// The databases of dpkg and apk are fetched and read here; rpm is asked there. Empty where nothing
/// can be found out: without a shell, for one. `folder`: private, for what is fetched.
PackageList remote_packages(Transport& transport, const std::filesystem::path& folder,
                            ProcessRunner& processes, std::stop_token stop);

}  // namespace toehold
