// What builds start from and what takes long to make: root file systems and disks, made once and
// kept beside the cache. Called by the bases of sandboxes and machines.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/process.hpp"

namespace toehold {

/// Says what takes long.
using TellProgress = std::function<void(const std::string&)>;

/// The folder of base `name`, as this user's ids see it.
std::filesystem::path base_folder(const std::string& name);
bool is_made(const std::string& name);

/// The folder of base `name`, which `make` has filled, now or before: under another name first, so
/// that a half one is never taken. Waits for another build that makes it just now.
std::filesystem::path made_once(const std::string& name, const TellProgress& note,
                                const std::stop_token& stop,
                                const std::function<void(const std::filesystem::path&)>& make);

/// Changes with the file, without reading it. Throws Error(io).
std::string identity_of_file(const std::filesystem::path& file);

/// Runs a program that makes something; throws Error(process) with the end of what it printed, or
/// Error(cancelled).
void run_or_fail(const Command& command, ProcessRunner& processes, std::stop_token stop,
                 const std::string& what);

/// Error(unsupported) where there is no mmdebstrap.
void require_mmdebstrap(const std::string& suite);
/// Fills `place` with a Debian or Ubuntu; `options` are mmdebstrap's own.
void run_mmdebstrap(const std::string& suite, const std::vector<std::string>& options,
                    const std::filesystem::path& place, ProcessRunner& processes,
                    std::stop_token stop);

}  // namespace toehold
