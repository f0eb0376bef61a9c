// OCI image layout in one tar file, as `podman load` and `docker load` take it; older dockers find
// their own manifest.json in it. Called by write_output. Formats: OCI image-spec 1.0 (layout,
// manifest, config, layer media types), Docker image spec 1.2 (manifest.json).
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "runner/controller/output_file.hpp"
#include "runner/controller/outputs.hpp"
#include "runner/controller/tar_writer.hpp"

namespace toehold {

struct OciLayer {
  std::string comment;                          // in the history
  std::function<void(ByteSink sink)> write_to;  // its uncompressed tar
};

/// Layers from the lowest; blobs are collected beside the file until their digests are known.
void write_oci_archive(OutputFile& file, const std::filesystem::path& folder,
                       const ImageConfig& config, const std::vector<OciLayer>& layers,
                       std::int64_t epoch, std::stop_token stop);

}  // namespace toehold
