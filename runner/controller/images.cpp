#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/image_store.hpp"

namespace toehold {

namespace {

struct ImagesOptions {
  std::vector<std::string> names;
  std::string format = "text";
  bool remove = false;
};

std::vector<StoredImage> chosen(const ImageStore& store, const ImagesOptions& options) {
  std::vector<StoredImage> all = store.list();
  if (options.names.empty()) return all;
  std::vector<StoredImage> images;
  for (const std::string& name : options.names) {
    const std::size_t before = images.size();
    for (const StoredImage& image : all) {
      if (image.name == name || image.name + ":" + image.version == name) images.push_back(image);
    }
    if (images.size() == before) images.push_back(store.find_stored(name));
  }
  return images;
}

/// Columns as wide as what is in them.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    std::puts(line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }
}

void print_text(const std::vector<StoredImage>& images) {
  if (images.empty()) {
    std::puts("no images yet; toehold build RECIPE makes one");
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"ID", "NAME", "VERSION", "TARGET", "BUILT (UTC)", "SIZE", "OUTPUTS"}};
  for (const StoredImage& image : images) {
    std::string name = printable(image.name);
    if (!image.matrix.empty()) name += " (" + printable(image.matrix) + ")";
    std::string built = image.built.substr(0, 16);
    if (built.size() == 16) built[10] = ' ';
    const bool has_files = image.size > 0;
    rows.push_back({image.id, name, image.version, image.target, built,
                    has_files ? format_size(static_cast<unsigned long long>(image.size)) : "-",
                    image.outputs.empty() ? "-" : join(image.outputs, ", ")});
  }
  print_table(rows);
}

void print_json(const std::vector<StoredImage>& images) {
  Value::List list;
  for (const StoredImage& image : images) list.push_back(stored_image_fields().encode(image));
  std::puts(to_json(Value(std::move(list)), 2).c_str());
}

void images(const ImagesOptions& options) {
  const ImageStore store(state_base() / "images");
  if (options.remove && options.names.empty()) {
    throw Error(Error::Kind::usage, "--remove needs the images to remove",
                "toehold images --remove ID");
  }
  if (options.remove) {
    for (const std::string& name : options.names) {
      const StoredImage image = store.find_stored(name);
      store.remove(image);
      std::printf("removed %s %s %s\n", image.id.c_str(), printable(image.name).c_str(),
                  image.version.c_str());
    }
    return;
  }
  const std::vector<StoredImage> found = chosen(store, options);
  if (options.format == "json") {
    print_json(found);
  } else {
    print_text(found);
  }
}

}  // namespace

std::vector<std::string> image_names() {
  std::vector<std::string> names;
  for (const StoredImage& image : ImageStore(state_base() / "images").list()) {
    names.push_back(image.id);
    const std::string name = image.name + ":" + image.version;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

void add_images(CLI::App& app, CommandContext& context) {
  for (const char* where : {"images names", "diff first", "diff second", "distribute image"}) {
    context.words[where] = image_names;
  }
  auto options = std::make_shared<ImagesOptions>();
  CLI::App* command = app.add_subcommand("images", "List the images that were built here");
  command->add_option("names", options->names, "Only these: ids, NAME or NAME:VERSION");
  command->add_option("--format", options->format, "text for people, json for machines")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--remove", options->remove,
                    "Remove them, with manifest and outputs; of a name, the newest");
  command->callback([options] { images(*options); });
}

}  // namespace toehold
