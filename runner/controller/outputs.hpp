// Outputs of a build: its file tree as a tarball, its changes as a tarball, or an OCI image archive
// that podman and docker load. Called by the snapshots of targets that have their files on this
// machine. The same files give the same bytes: entries in byte order, owners as numbers, times no
// newer than the epoch, and no name, time or path of this machine anywhere.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/controller/overlay_tree.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

/// What an OCI image says beside its files.
struct ImageConfig {
  std::string reference;     // "web:1.0.0": what it is called once it is loaded
  std::string architecture;  // as OCI calls it: "amd64", "arm64"
  std::vector<std::string> environment;
  std::vector<std::string> command;
  std::string working_directory;
  Parameters labels;
};
/// From the recipe's name, version, description, tags and working directory, for this machine.
ImageConfig image_config(const Recipe& recipe);

struct WrittenOutput {
  std::string type;
  std::string path;
  std::string sha256;
  std::int64_t size = 0;  // bytes
};

/// Writes the output's kind to `path`, 0600, complete or not at all; memory does not grow with the
/// files. `oci-archive` has the base as its first layer and the changes as its second. Throws
/// Error(io) and Error(cancelled).
WrittenOutput write_output(const std::string& type, const OverlayStack& stack,
                           const ImageConfig& config, std::int64_t epoch,
                           const std::filesystem::path& path, std::stop_token stop);

/// SOURCE_DATE_EPOCH where it is set, else the newest time in the base, so that what the build
/// makes is as old as what it started from; 1980, which every format can hold, without a base.
/// Throws Error(usage) for a SOURCE_DATE_EPOCH that is no number.
std::int64_t output_epoch(const OverlayStack& stack, std::stop_token stop);

}  // namespace toehold
