// The manifest of a build that succeeded, from what its instance ran and its snapshot keeps. Called
// by build_image; reads layers and package databases, writes only its notes beside cached layers.
#pragma once

#include <string>
#include <vector>

#include "runner/controller/build_folder.hpp"
#include "runner/controller/manifest.hpp"
#include "runner/controller/provider.hpp"

namespace toehold {

struct BuiltImage {
  const Recipe& recipe;
  const BuildRecord& record;
  const std::vector<DocumentRun>& documents;
  Snapshot& snapshot;
  const std::vector<ManifestStep>& steps;  // without their files
  std::vector<WrittenOutput> outputs;
  std::string name;  // for an engine of containers
};

/// `id`: of the image store. Throws Error(io, cancelled).
Manifest make_manifest(const BuiltImage& image, const std::string& id, const BuildContext& context);

}  // namespace toehold
