#include "runner/controller/outputs.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/oci_archive.hpp"
#include "runner/controller/output_file.hpp"
#include "runner/controller/tree_tar.hpp"

namespace toehold {

namespace {

constexpr std::int64_t year_1980 = 315'532'800;

/// Names of images are lower case, with single separators between letters and digits.
std::string image_reference(const std::string& name, const std::string& version) {
  std::string reference;
  for (const char c : lower(name)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      reference += c;
    } else if (!reference.empty() && reference.back() != '-') {
      reference += '-';
    }
  }
  while (reference.ends_with('-')) reference.pop_back();
  return (reference.empty() ? "image" : reference) + ":" + version;
}

/// The names of Go, which OCI uses.
std::string oci_architecture() {
  utsname machine{};
  ::uname(&machine);
  const std::string name = machine.machine;
  if (name == "x86_64") return "amd64";
  if (name == "aarch64") return "arm64";
  if (name.starts_with("armv")) return "arm";
  return name;
}

bool is_compressed(const fs::path& path) {
  return path.extension() == ".gz" || path.extension() == ".tgz";
}

void write_tree(const OverlayStack& stack, std::int64_t epoch, const ByteSink& sink,
                std::stop_token stop) {
  TreeTar tar(sink, epoch, stop);
  walk_tree(
      stack, [&](const TreeEntry& entry) { tar.add(entry); }, stop);
  tar.finish();
}

void write_changes(const OverlayStack& stack, std::int64_t epoch, const ByteSink& sink,
                   std::stop_token stop) {
  TreeTar tar(sink, epoch, stop);
  ChangeVisitor visitor;
  visitor.entry = [&](const TreeEntry& entry) { tar.add(entry); };
  visitor.removed = [&](const std::string& path) { tar.add_removed(path); };
  visitor.opaque = [&](const std::string& folder) { tar.add_opaque(folder); };
  walk_changes(stack, visitor, stop);
  tar.finish();
}

OverlayStack base_of(OverlayStack stack) {
  stack.layers.resize(std::min(stack.layers.size(), stack.base_layers));
  return stack;
}

std::vector<OciLayer> layers_of(const OverlayStack& stack, std::int64_t epoch,
                                std::stop_token stop) {
  std::vector<OciLayer> layers;
  if (const OverlayStack base = base_of(stack); !base.base.empty()) {
    layers.push_back({"base", [=](const ByteSink& sink) { write_tree(base, epoch, sink, stop); }});
  }
  if (stack.layers.size() > stack.base_layers) {
    layers.push_back(
        {"toehold build", [=](const ByteSink& sink) { write_changes(stack, epoch, sink, stop); }});
  }
  return layers;
}

}  // namespace

ImageConfig image_config(const Recipe& recipe) {
  ImageConfig config;
  config.reference = image_reference(recipe.name, recipe.version);
  config.architecture = oci_architecture();
  config.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  config.command = {"/bin/sh"};
  config.working_directory = recipe.working_directory;
  config.labels = {{"org.opencontainers.image.title", recipe.name},
                   {"org.opencontainers.image.version", recipe.version}};
  if (!recipe.description.empty()) {
    config.labels.emplace_back("org.opencontainers.image.description", recipe.description);
  }
  config.labels.insert(config.labels.end(), recipe.tags.begin(), recipe.tags.end());
  return config;
}

WrittenOutput write_output(const std::string& type, const OverlayStack& stack,
                           const ImageConfig& config, std::int64_t epoch, const fs::path& path,
                           std::stop_token stop) {
  OutputFile file(path);
  std::optional<GzipWriter> gzip;
  const ByteSink to_file = [&](std::string_view bytes) { file.write(bytes); };
  if (type != "oci-archive" && is_compressed(path)) gzip.emplace(to_file);
  const ByteSink sink = gzip ? [&](std::string_view bytes) { gzip->write(bytes); } : to_file;
  if (type == "oci-archive") {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    write_oci_archive(file, folder, config, layers_of(stack, epoch, stop), epoch, stop);
  } else if (type == "rootfs") {
    write_tree(stack, epoch, sink, stop);
  } else if (type == "changes") {
    write_changes(stack, epoch, sink, stop);
  } else {
    throw Error(Error::Kind::unsupported, "there is no output '" + type + "'");
  }
  if (gzip) gzip->finish();
  file.keep();
  return {type, path.string(), file.sha256(), static_cast<std::int64_t>(file.size())};
}

std::int64_t output_epoch(const OverlayStack& stack, std::stop_token stop) {
  if (const char* text = std::getenv("SOURCE_DATE_EPOCH"); text && *text) {
    std::int64_t epoch = 0;
    const char* end = text + std::char_traits<char>::length(text);
    const auto [stopped, problem] = std::from_chars(text, end, epoch);
    if (problem == std::errc() && stopped == end && epoch >= 0) return epoch;
    throw Error(Error::Kind::usage,
                std::string("SOURCE_DATE_EPOCH is not a number of seconds: ") + text);
  }
  std::int64_t newest = year_1980;
  if (stack.base.empty()) return newest;
  walk_tree(
      base_of(stack),
      [&](const TreeEntry& entry) {
        newest = std::max<std::int64_t>(newest, entry.status.st_mtim.tv_sec);
      },
      stop);
  return newest;
}

}  // namespace toehold
