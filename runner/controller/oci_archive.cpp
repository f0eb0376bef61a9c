#include "runner/controller/oci_archive.hpp"

#include <sys/stat.h>

#include <fstream>
#include <memory>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"

namespace toehold {

namespace {

constexpr const char* config_type = "application/vnd.oci.image.config.v1+json";
constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* layer_type = "application/vnd.oci.image.layer.v1.tar+gzip";

struct Blob {
  std::shared_ptr<OutputFile> file;  // never kept; or
  std::string text;                  // the content itself
  std::string sha256;
  std::uint64_t size = 0;
  std::string diff_id;  // of a layer: SHA-256 of its uncompressed tar
};

Blob text_blob(const Value& value) {
  Blob blob;
  blob.text = to_json(value);
  blob.size = blob.text.size();
  blob.sha256 = digest_of(DigestAlgorithm::sha256, blob.text);
  return blob;
}

Blob layer_blob(const OciLayer& layer, const fs::path& folder) {
  auto file = std::make_shared<OutputFile>(folder / ".toehold-layer");
  Digest uncompressed(DigestAlgorithm::sha256);
  GzipWriter gzip([&](std::string_view bytes) { file->write(bytes); });
  layer.write_to([&](std::string_view bytes) {
    uncompressed.update(bytes);
    gzip.write(bytes);
  });
  gzip.finish();
  const std::string sha256 = file->sha256();
  const std::uint64_t size = file->size();
  return {std::move(file), {}, sha256, size, uncompressed.finish()};
}

Value descriptor(const char* type, const Blob& blob) {
  return Value::object({{"mediaType", type},
                        {"digest", "sha256:" + blob.sha256},
                        {"size", static_cast<std::int64_t>(blob.size)}});
}

Value texts(const std::vector<std::string>& items) {
  Value::List list;
  for (const std::string& item : items) list.emplace_back(item);
  return Value(std::move(list));
}

Value config_value(const ImageConfig& config, const std::vector<OciLayer>& layers,
                   const std::vector<Blob>& blobs, std::int64_t epoch) {
  Value run{Value::Map()};
  if (!config.environment.empty()) run.set("Env", texts(config.environment));
  if (!config.command.empty()) run.set("Cmd", texts(config.command));
  if (!config.working_directory.empty()) run.set("WorkingDir", config.working_directory);
  Value labels{Value::Map()};
  for (const auto& [name, value] : config.labels) labels.set(name, value);
  if (!labels.map().empty()) run.set("Labels", std::move(labels));
  const std::string created = rfc3339_utc(epoch * 1000);
  Value::List diff_ids, history;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    diff_ids.emplace_back("sha256:" + blobs[i].diff_id);
    history.push_back(Value::object({{"created", created}, {"created_by", layers[i].comment}}));
  }
  return Value::object(
      {{"created", created},
       {"architecture", config.architecture},
       {"os", "linux"},
       {"config", std::move(run)},
       {"rootfs", Value::object({{"type", "layers"}, {"diff_ids", Value(std::move(diff_ids))}})},
       {"history", Value(std::move(history))}});
}

/// The archive around the blobs.
class Archive {
 public:
  Archive(OutputFile& file, std::int64_t epoch, std::stop_token stop)
      : tar_([&file](std::string_view bytes) { file.write(bytes); }),
        epoch_(epoch),
        stop_(std::move(stop)) {}

  void folder(const std::string& name) { tar_.begin(header(name, S_IFDIR | 0755)); }
  void text(const std::string& name, const std::string& content) {
    tar_.add(header(name, S_IFREG | 0644), content);
  }
  void blob(const Blob& blob) {
    const std::string name = "blobs/sha256/" + blob.sha256;
    if (!blob.file) {
      text(name, blob.text);
      return;
    }
    TarEntry entry = header(name, S_IFREG | 0644);
    entry.size = blob.size;
    tar_.begin(entry);
    std::ifstream input(blob.file->readable(), std::ios::binary);
    std::string buffer(1 << 17, '\0');
    while (input.read(buffer.data(), static_cast<std::streamsize>(buffer.size())),
           input.gcount() > 0) {
      if (stop_.stop_requested()) throw Error(Error::Kind::cancelled, "stopped by a signal");
      tar_.write(std::string_view(buffer).substr(0, static_cast<std::size_t>(input.gcount())));
    }
    if (input.bad()) throw Error(Error::Kind::io, "cannot read a layer again");
  }
  void finish() { tar_.finish(); }

 private:
  TarEntry header(const std::string& name, unsigned mode) const {
    TarEntry entry;
    entry.name = name;
    entry.mode = mode;
    entry.mtime = epoch_;
    return entry;
  }

  TarWriter tar_;
  const std::int64_t epoch_;
  const std::stop_token stop_;
};

}  // namespace

void write_oci_archive(OutputFile& file, const fs::path& folder, const ImageConfig& config,
                       const std::vector<OciLayer>& layers, std::int64_t epoch,
                       std::stop_token stop) {
  std::vector<Blob> blobs;
  Value::List layer_list, docker_layers;
  for (const OciLayer& layer : layers) {
    blobs.push_back(layer_blob(layer, folder));
    layer_list.push_back(descriptor(layer_type, blobs.back()));
    docker_layers.emplace_back("blobs/sha256/" + blobs.back().sha256);
  }
  blobs.push_back(text_blob(config_value(config, layers, blobs, epoch)));
  const Blob& config_blob = blobs.back();
  const Value manifest = Value::object({{"schemaVersion", 2},
                                        {"mediaType", manifest_type},
                                        {"config", descriptor(config_type, config_blob)},
                                        {"layers", Value(std::move(layer_list))}});
  const Value docker = Value::object({{"Config", "blobs/sha256/" + config_blob.sha256},
                                      {"RepoTags", texts({config.reference})},
                                      {"Layers", Value(std::move(docker_layers))}});
  blobs.push_back(text_blob(manifest));
  Value entry = descriptor(manifest_type, blobs.back());
  entry.set("annotations",
            Value::object({{"org.opencontainers.image.ref.name", config.reference}}));
  const Value index =
      Value::object({{"schemaVersion", 2}, {"manifests", Value(Value::List{std::move(entry)})}});

  Archive archive(file, epoch, std::move(stop));
  archive.text("oci-layout", to_json(Value::object({{"imageLayoutVersion", "1.0.0"}})));
  archive.text("index.json", to_json(index));
  archive.text("manifest.json", to_json(Value(Value::List{docker})));
  archive.folder("blobs/");
  archive.folder("blobs/sha256/");
  for (const Blob& blob : blobs) archive.blob(blob);
  archive.finish();
}

}  // namespace toehold
