#include "runner/controller/image_store.hpp"

#include <algorithm>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr const char* manifest_name = "manifest.json";
constexpr const char* summary_name = "image.json";

StoredImage summary_of(const Manifest& manifest) {
  StoredImage image;
  image.id = manifest.id;
  image.name = manifest.name;
  image.version = manifest.version;
  std::vector<std::string> values;
  for (const auto& [key, value] : manifest.matrix) values.push_back(key + "=" + value);
  image.matrix = join(values, ", ");
  image.target = manifest.target;
  image.built = manifest.finished;
  for (const WrittenOutput& output : manifest.outputs) {
    image.outputs.push_back(output.type);
    image.size += output.size;
  }
  return image;
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_called(const StoredImage& image, const std::string& what) {
  return image.name == what || image.name + ":" + image.version == what;
}

}  // namespace

const Fields<StoredImage>& stored_image_fields() {
  static const Fields<StoredImage> fields =
      Fields<StoredImage>{}
          .required("id", &StoredImage::id, "Id of the image.")
          .required("name", &StoredImage::name, "Of the recipe.")
          .required("version", &StoredImage::version, "Of the recipe.")
          .optional("matrix", &StoredImage::matrix, "Its values of the matrix.")
          .optional("target", &StoredImage::target, "Where it was built.")
          .optional("built", &StoredImage::built, "UTC.")
          .optional("outputs", &StoredImage::outputs, "Kinds of the outputs.")
          .optional("size", &StoredImage::size, "Bytes of the outputs.")
          .optional("folder", &StoredImage::folder, "Where manifest and outputs are.");
  return fields;
}

bool ImageStore::is_complete(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / summary_name, error);
}

std::string ImageStore::new_id() const {
  std::error_code error;
  std::string id;
  do {
    id = random_hex(6);
  } while (fs::exists(root_ / id, error));
  return id;
}

fs::path ImageStore::folder(const std::string& id) const {
  make_private_directory(root_);
  make_private_directory(root_ / id);
  return root_ / id;
}

void ImageStore::put(const Manifest& manifest) const {
  const fs::path place = folder(manifest.id);
  write_file_atomically(place / manifest_name, to_json(to_value(manifest), 1) + "\n");
  const Value summary = stored_image_fields().encode(summary_of(manifest));
  write_file_atomically(place / summary_name, to_json(summary, 1) + "\n");
}

std::vector<StoredImage> ImageStore::list() const {
  std::vector<StoredImage> images;
  std::error_code error;
  for (const auto& item : fs::directory_iterator(root_, error)) {
    if (!is_complete(item.path())) continue;  // being built, or given up
    const fs::path file = item.path() / summary_name;
    try {
      Diagnostics findings(nullptr);
      const Value value = parse_json(read_file(file));
      auto image = stored_image_fields().decode(value, "an image", findings);
      if (!image) continue;
      image->folder = item.path().string();
      images.push_back(std::move(*image));
    } catch (const Error& problem) {
      log(LogLevel::warning, problem.full_message());
    }
  }
  std::sort(images.begin(), images.end(), [](const StoredImage& a, const StoredImage& b) {
    return std::tie(a.built, a.id) > std::tie(b.built, b.id);
  });
  return images;
}

StoredImage ImageStore::find_stored(const std::string& what) const {
  const std::vector<StoredImage> images = list();
  std::vector<StoredImage> found;
  for (const StoredImage& image : images) {
    if (image.id == what) return image;
    if (what.size() >= 4 && is_hex(what) && image.id.starts_with(what)) found.push_back(image);
  }
  if (found.size() > 1) {
    throw Error(Error::Kind::usage, "more than one image has an id that begins with " + what,
                "write more of it: toehold images shows the ids");
  }
  if (!found.empty()) return found.front();
  const auto named = std::find_if(images.begin(), images.end(),
                                  [&](const StoredImage& image) { return is_called(image, what); });
  if (named != images.end()) return *named;
  std::vector<std::string> names;
  for (const StoredImage& image : images) names.push_back(image.name);
  const std::string hint = did_you_mean(what, names);
  throw Error(Error::Kind::usage, "there is no image '" + what + "'",
              hint.empty() ? "toehold images lists those that were built" : hint);
}

Manifest ImageStore::find(const std::string& what) const {
  std::error_code error;
  if (fs::is_regular_file(what, error)) return read_manifest(what);
  if (fs::is_regular_file(fs::path(what) / manifest_name, error)) {
    return read_manifest(fs::path(what) / manifest_name);
  }
  return read_manifest(fs::path(find_stored(what).folder) / manifest_name);
}

void ImageStore::remove(const StoredImage& image) const {
  std::error_code error;
  // First what makes it an image, so that half of one is never listed.
  fs::remove(fs::path(image.folder) / summary_name, error);
  if (!error) fs::remove_all(image.folder, error);
  if (error) {
    throw Error(Error::Kind::io, "cannot remove " + image.folder + ": " + error.message());
  }
}

Manifest read_manifest(const fs::path& file) {
  Value value;
  try {
    value = parse_json(read_file(file));
  } catch (Error& error) {
    throw error.during("reading " + file.string());
  }
  return manifest_from(value, file.string());
}

}  // namespace toehold
