#include "runner/controller/build_delivery.hpp"

#include <algorithm>

#include "runner/agent/run_directory.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/image_draft.hpp"
#include "runner/controller/image_store.hpp"

namespace toehold {

namespace {

std::string file_name(const Recipe& recipe, const OutputSpec& output) {
  const std::string name = recipe.name + "-" + recipe.version;
  if (output.type == "qcow2" || output.type == "raw") return name + "." + output.type;
  return name + "-" + output.type + (output.type == "oci-archive" ? ".oci.tar" : ".tar.gz");
}

std::vector<WrittenOutput> write_outputs(const Recipe& recipe, const std::string& default_output,
                                         Snapshot& snapshot, const fs::path& folder,
                                         const BuildContext& context) {
  std::vector<OutputSpec> wanted = recipe.outputs;
  if (wanted.empty() && !default_output.empty()) wanted.push_back({default_output, {}, {}});
  std::vector<WrittenOutput> all;
  for (const OutputSpec& output : wanted) {
    const fs::path path =
        output.path.empty() ? folder / file_name(recipe, output) : fs::path(output.path);
    const WrittenOutput written = snapshot.write(output, path, context.stop);
    context.say(written.type + "  " + written.path + "  " + format_size(written.size) +
                "  sha256:" + written.sha256);
    all.push_back(written);
  }
  return all;
}

/// An image that this build would only make once more.
std::optional<StoredImage> same_image(const Recipe& recipe, const std::vector<ManifestStep>& steps,
                                      const ImageStore& store) {
  const bool all_cached = std::all_of(steps.begin(), steps.end(), [](const ManifestStep& step) {
    return step.cached || step.result == "skipped";
  });
  if (!all_cached || !recipe.outputs.empty()) return std::nullopt;
  for (const StoredImage& image : store.list()) {
    if (image.name != recipe.name || image.version != recipe.version) continue;
    if (image.matrix == matrix_label(recipe) && image.outputs.empty()) return image;
    break;  // the newest of this name is of other outputs
  }
  return std::nullopt;
}

/// True when it is now everywhere; else `end` says what failed. The image stays in any case.
bool distribute(const BuiltImage& image, Manifest manifest, const ImageStore& store,
                BuildEnd& end) {
  end.message = "the image is built, but not distributed";
  manifest.distributed = image.snapshot.distribute();
  if (manifest.distributed.empty()) return true;
  store.put(manifest);
  if (all_available(manifest.distributed)) return true;
  end.message += ": " + failures_of(manifest.distributed) +
                 "; when that is mended: toehold distribute " + manifest.id;
  return false;
}

/// An image that is not to stay is not listed either: what failed gives it up.
void deliver_or_take_back(Snapshot& snapshot, const ImageStore& store, const std::string& id) {
  try {
    snapshot.deliver();
  } catch (...) {
    store.remove(store.find_stored(id));
    throw;
  }
}

void tell_of(const BuiltImage& image, const BuildContext& context, BuildEnd& end) {
  end.delivered = (image.snapshot.is_image() ? "image    " : "record   ") + end.image + "  " +
                  image.recipe.name + ":" + image.recipe.version +
                  (image.name.empty() ? "" : "  " + image.name);
  context.say(end.delivered);
}

/// An image that an earlier process of this build has put into the store, but perhaps not named.
void deliver_again(BuiltImage image, const Manifest& manifest, const BuildContext& context,
                   BuildEnd& end) {
  end.image = manifest.id;
  image.name = image.snapshot.publish();
  const ImageStore store(state_base() / "images");
  deliver_or_take_back(image.snapshot, store, end.image);
  tell_of(image, context, end);
  if (distribute(image, manifest, store, end)) end.code = ExitCode::success;
}

}  // namespace

void deliver(BuiltImage image, const std::string& default_output, const BuildContext& context,
             BuildEnd& end) {
  const Recipe& recipe = image.recipe;
  const ImageStore store(state_base() / "images");
  ImageDraft::remove_halves(context.inventory);
  const bool cacheable = image.snapshot.files().has_value();
  const auto known = cacheable ? same_image(recipe, image.steps, store) : std::nullopt;
  if (known) {
    end.image = known->id;
    end.delivered = "unchanged since image " + known->id;
    context.say(end.delivered);
    end.code = ExitCode::success;
    return;
  }
  if (const auto before = ImageDraft::put_before(context.inventory)) {
    return deliver_again(image, *before, context, end);
  }
  ImageDraft draft(state_base() / "images", context.inventory);
  end.image = draft.id();
  image.outputs = write_outputs(recipe, default_output, image.snapshot, draft.folder(), context);
  image.name = image.snapshot.publish();
  const Manifest manifest = make_manifest(image, end.image, context);
  draft.put(manifest);
  deliver_or_take_back(image.snapshot, store, end.image);
  tell_of(image, context, end);
  if (distribute(image, manifest, store, end)) end.code = ExitCode::success;
}

}  // namespace toehold
