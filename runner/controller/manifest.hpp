// Manifest: what a build was made of and what it made, as JSON: recipe, parent, documents, steps
// with the files that they changed, packages before and after, outputs. Written by the build flow
// into the image store, read by `images` and `diff`. Later versions only add fields.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/agent/program.hpp"
#include "runner/base/value.hpp"
#include "runner/controller/changed_files.hpp"
#include "runner/controller/distribution_result.hpp"
#include "runner/controller/outputs.hpp"
#include "runner/controller/packages.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

struct ManifestDocument {
  std::string path;
  std::string name;
  std::string sha256;
  Parameters parameters;  // those that look like secrets masked
};

struct ManifestStep {
  std::string id;     // as in the events: "0/build/Install"
  std::string phase;  // with the names that people know it by
  std::string name;
  std::string result;  // "success", "ignoredFailure", "skipped" ...: as in the events
  bool cached = false;
  double seconds = 0;
  std::vector<ChangedFile> files;
};

struct Manifest {
  std::int64_t format = 1;
  std::string id;  // of the image store
  std::string name;
  std::string version;
  std::string description;
  std::string build_id;  // of the build that made it
  std::string recipe;    // path
  std::string recipe_sha256;
  Parameters matrix;
  Parameters tags;
  std::string target;
  std::string parent;     // as the recipe names it
  std::string parent_id;  // what it was then: a digest, an image's id; empty where nothing can say
  std::string image;      // what podman or docker calls it; empty where none has it
  std::string agent_version;
  std::string started;   // UTC, RFC 3339
  std::string finished;  // likewise
  double seconds = 0;
  std::vector<ManifestDocument> documents;
  std::vector<ManifestStep> steps;
  PackageList packages_before;
  PackageList packages_after;
  std::vector<WrittenOutput> outputs;
  std::vector<DistributionResult> distributed;  // a machine image of AWS
};

/// Of one document of a build, with its SHA-256.
ManifestDocument manifest_document(const DocumentRun& run);

struct PublishedImage {
  std::string id;
  std::string region;
};
/// Of a machine image of AWS, as builds publish it: "ami-0123 in eu-west-1".
std::optional<PublishedImage> published_image(const Manifest& manifest);

Value to_value(const Manifest& manifest);
/// Leaves out what it does not know. Throws Error(io) that names `file` when it is no manifest.
Manifest manifest_from(const Value& value, const std::string& file);

/// Parts of it, by themselves: for what a build has to remember on its way. Like manifest_from.
Value to_value(const ManifestStep& step);
ManifestStep step_from(const Value& value, const std::string& file);
Value to_value(const PackageList& list);
PackageList packages_from(const Value& value, const std::string& file);

/// What the steps changed in all.
std::vector<ChangedFile> net_changes(const Manifest& manifest);

/// docs/reference/manifest.md
ReferencePage manifest_page();

}  // namespace toehold
