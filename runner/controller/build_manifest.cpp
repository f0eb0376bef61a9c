#include "runner/controller/build_manifest.hpp"

#include "generated/version.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"

namespace toehold {

namespace {

/// Noted beside a layer once: the same layer is part of many builds, and its files never change.
std::vector<ChangedFile> files_of_layer(const OverlayStack& up_to, std::stop_token stop) {
  const fs::path& layer = up_to.layers.back();
  const fs::path note = layer.parent_path() / (layer.filename().string() + ".changes.json");
  std::vector<ChangedFile> files;
  try {
    Diagnostics findings(nullptr);
    const Value noted = parse_json(read_file(note));
    for (const Value& item : noted.list()) {
      if (auto file = changed_file_fields().decode(item, "a file", findings)) {
        files.push_back(std::move(*file));
      }
    }
    if (!findings.has_errors()) return files;
  } catch (const Error&) {
    // None there yet.
  }
  files = changed_files(up_to, std::move(stop));
  Value::List list;
  for (const ChangedFile& file : files) list.push_back(changed_file_fields().encode(file));
  write_file_atomically(note, to_json(Value(std::move(list))));
  return files;
}

/// The files of each step of the build stage: those of all the layers that it left.
void add_files(std::vector<ManifestStep>& steps, const Snapshot& snapshot, std::stop_token stop) {
  auto stack = snapshot.files();
  if (!stack) return;
  const auto layers = snapshot.step_layers();
  std::vector<fs::path> below = stack->layers;
  below.resize(below.size() - layers.size());
  stack->layers = std::move(below);
  for (const auto& [step, folder] : layers) {
    stack->layers.push_back(folder);
    for (ManifestStep& known : steps) {
      if (known.id != step) continue;
      for (ChangedFile& file : files_of_layer(*stack, stop)) known.files.push_back(std::move(file));
      break;
    }
  }
}

}  // namespace

Manifest make_manifest(const BuiltImage& image, const std::string& id,
                       const BuildContext& context) {
  Manifest manifest;
  manifest.id = id;
  manifest.name = image.recipe.name;
  manifest.version = image.recipe.version;
  manifest.description = image.recipe.description;
  manifest.build_id = image.record.id;
  manifest.recipe = image.record.recipe;
  if (image.recipe.source) {
    manifest.recipe_sha256 = digest_of(DigestAlgorithm::sha256, image.recipe.source->text());
  }
  manifest.matrix = image.recipe.matrix;
  manifest.tags = image.recipe.tags;
  manifest.target = image.recipe.target.type;
  manifest.parent = image.recipe.parent_image;
  manifest.parent_id = image.snapshot.parent_id();
  manifest.image = image.name;
  manifest.agent_version = TOEHOLD_VERSION;
  const UnixMillis now = context.clock.unix_millis();
  manifest.started = rfc3339_utc(image.record.started);
  manifest.finished = rfc3339_utc(now);
  manifest.seconds = static_cast<double>(now - image.record.started) / 1000;
  for (const DocumentRun& run : image.documents) {
    manifest.documents.push_back(manifest_document(run));
  }
  manifest.steps = image.steps;
  add_files(manifest.steps, image.snapshot, context.stop);
  if (const auto stack = image.snapshot.files()) {
    OverlayStack before = *stack;
    before.layers.resize(before.layers.size() - image.snapshot.step_layers().size());
    manifest.packages_before = installed_packages(before, context.processes, context.stop);
    manifest.packages_after = installed_packages(*stack, context.processes, context.stop);
  }
  if (auto list = image.snapshot.packages_before()) manifest.packages_before = std::move(*list);
  if (auto list = image.snapshot.packages_after()) manifest.packages_after = std::move(*list);
  manifest.outputs = image.outputs;
  return manifest;
}

}  // namespace toehold
