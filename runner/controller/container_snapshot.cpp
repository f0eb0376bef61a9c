#include "runner/controller/container_snapshot.hpp"

#include <algorithm>
#include <fstream>
#include <optional>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/container_instance.hpp"
#include "runner/controller/output_file.hpp"
#include "runner/controller/tar_writer.hpp"

namespace toehold {

namespace {

const Value* setting(const Value& config, const char* key) {
  const Value* inner = config.find("Config");
  const Value* value = inner ? inner->find(key) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}

/// What the new image starts with: what the first one did, not our agent.
std::vector<std::string> changes(const Value& config, const Recipe& recipe) {
  const auto list = [&](const char* key) {
    const Value* value = setting(config, key);
    return value ? to_json(*value) : std::string("[]");
  };
  std::vector<std::string> words{"--change", "ENTRYPOINT " + list("Entrypoint"), "--change",
                                 "CMD " + list("Cmd")};
  const Value* user = setting(config, "User");
  if (user && !user->text().empty()) {
    words.insert(words.end(), {"--change", "USER " + user->text()});
  }
  for (const auto& [name, value] : image_config(recipe).labels) {
    words.insert(words.end(),
                 {"--change", "LABEL " + to_json(Value(name)) + "=" + to_json(Value(value))});
  }
  return words;
}

std::string id_of(const ContainerEngine& engine, const std::string& image) {
  const auto id = engine.try_run({"image", "inspect", "--format", "{{.Id}}", image}, {});
  return id ? std::string(trim(*id)) : std::string();
}

/// What a tag may have: letters, digits, dots, dashes, underscores.
std::string plain_tag(const std::string& text) {
  std::string tag;
  for (const char c : text) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_';
    if (fits || (!tag.empty() && tag.back() != '-')) tag += fits ? c : '-';
  }
  return tag;
}

}  // namespace

std::string published_name(const Recipe& recipe) {
  std::string name = "localhost/" + image_config(recipe).reference;
  for (const auto& [key, value] : recipe.matrix) name += "-" + plain_tag(value);
  return name;
}

bool unpublish(const std::string& id, ProcessRunner& processes) {
  const Value parts = parse_json(id);
  const auto text = [&](const char* key) {
    const Value* value = parts.find(key);
    return value ? value->text() : std::string();
  };
  const ContainerEngine engine(text("engine"), processes);
  const std::string name = text("name"), before = text("before");
  if (id_of(engine, name) != text("image")) return true;  // not ours, or gone
  if (!before.empty() && engine.try_run({"tag", before, name}, {})) return true;
  return engine.try_run({"image", "rm", name}, {}).has_value();
}

ContainerSnapshot::ContainerSnapshot(const Recipe& recipe, std::shared_ptr<ContainerEngine> engine,
                                     const BuildContext& context, std::int64_t record,
                                     std::string image, Value config)
    : recipe_(recipe),
      engine_(std::move(engine)),
      context_(context),
      record_(record),
      image_(std::move(image)),
      config_(std::move(config)) {}

ContainerSnapshot::~ContainerSnapshot() {
  if (tag_) {
    for (const InventoryRecord& record : context_.inventory.all()) {
      if (record.number != *tag_ || record.state == "delivered") continue;
      if (unpublish(record.id, context_.processes)) context_.inventory.set_state(*tag_, "removed");
    }
  }
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
  } else if (engine_->remove_image(image_)) {
    context_.inventory.set_state(record_, "removed");
  }
}

void ContainerSnapshot::commit(const std::string& container) {
  std::vector<std::string> words{"commit"};
  for (const std::string& word : changes(config_, recipe_)) words.push_back(word);
  words.insert(words.end(), {container, image_});
  engine_->run(words, context_.stop);
  const Value* entry = setting(config_, "Entrypoint");
  const bool has_entry = entry && entry->is_list() && !entry->list().empty();
  if (engine_->name() == "docker" && !has_entry) take_entrypoint_away();
  context_.inventory.set_state(record_, "created");
}

/// Docker takes an empty ENTRYPOINT for none, and what it has of the container instead: our agent.
/// So the image is that of a container that was made of it without one and never started.
void ContainerSnapshot::take_entrypoint_away() {
  const std::string name = "toehold-" + context_.build_id + "-plain";
  const InventoryRecord record = context_.inventory.plan_again(container_target, "container",
                                                               container_record_id(*engine_, name));
  engine_->remove_container(name);
  std::vector<std::string> words{"create", "--name", name, "--entrypoint", "", image_};
  const Value* command = setting(config_, "Cmd");
  const bool has_command = command && command->is_list() && !command->list().empty();
  if (has_command) {
    for (const Value& word : command->list()) words.push_back(word.text());
  } else {
    words.push_back("sh");  // none is not to be had: a container has a command
  }
  engine_->run(words, context_.stop);
  engine_->run({"commit", name, image_}, context_.stop);
  if (engine_->remove_container(name)) context_.inventory.set_state(record.number, "removed");
}

bool ContainerSnapshot::is_there() const {
  const std::vector<InventoryRecord>& records = context_.inventory.all();
  const bool made = std::any_of(records.begin(), records.end(), [&](const auto& record) {
    return record.number == record_ && record.state != "planned";
  });
  return made && !id_of(*engine_, image_).empty();
}

void ContainerSnapshot::packages(PackageList before, PackageList after) {
  before_ = std::move(before);
  after_ = std::move(after);
}

std::string ContainerSnapshot::parent_id() const {
  const Value* id = config_.find("Id");
  return id ? id->text() : std::string();
}

void ContainerSnapshot::write_archive(const fs::path& file, std::stop_token stop) {
  if (engine_->name() == "podman") {  // with the name that it is to have where it is loaded
    engine_->run(
        {"push", "--quiet", image_, "oci-archive:" + file.string() + ":" + published_name(recipe_)},
        stop);
  } else {
    engine_->run({"save", "--output", file.string(), image_}, stop);
  }
}

WrittenOutput ContainerSnapshot::write_root(const OutputSpec& output, const fs::path& path,
                                            std::stop_token stop) {
  // One that was never started: the engine writes files into those that it starts.
  const std::string name = "toehold-" + context_.build_id + "-export";
  const InventoryRecord record = context_.inventory.plan_again(container_target, "container",
                                                               container_record_id(*engine_, name));
  engine_->remove_container(name);
  engine_->run({"create", "--name", name, image_, "true"}, stop);
  OutputFile file(path);
  std::optional<GzipWriter> gzip;
  const ByteSink to_file = [&](std::string_view bytes) { file.write(bytes); };
  if (path.extension() == ".gz" || path.extension() == ".tgz") gzip.emplace(to_file);
  engine_->run(
      {"export", name},
      [&](std::string_view bytes) { gzip ? gzip->write(bytes) : file.write(bytes); }, stop);
  if (gzip) gzip->finish();
  if (engine_->remove_container(name)) context_.inventory.set_state(record.number, "removed");
  file.keep();
  return {output.type, path.string(), file.sha256(), static_cast<std::int64_t>(file.size())};
}

WrittenOutput ContainerSnapshot::write(const OutputSpec& output, const fs::path& path,
                                       std::stop_token stop) {
  if (output.type == "rootfs") return write_root(output, path, stop);
  if (output.type != "oci-archive") {
    throw Error(Error::Kind::unsupported,
                "a container's image cannot be written as " + output.type);
  }
  const TempDirectory folder(context_.directory, "archive-");
  const fs::path archive = folder.path() / "archive";
  write_archive(archive, stop);
  OutputFile file(path);
  std::ifstream in(archive, std::ios::binary);
  std::vector<char> piece(1u << 20);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    file.write({piece.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (in.bad()) throw Error(Error::Kind::io, "cannot read " + archive.string());
  file.keep();
  return {output.type, path.string(), file.sha256(), static_cast<std::int64_t>(file.size())};
}

std::string ContainerSnapshot::publish() {
  const std::string name = published_name(recipe_);
  const Value id = Value::object({{"engine", engine_->name()},
                                  {"name", name},
                                  {"image", id_of(*engine_, image_)},
                                  {"before", id_of(*engine_, name)}});
  tag_ = context_.inventory.plan(container_target, "name", to_json(id));
  engine_->run({"tag", image_, name}, context_.stop);
  context_.inventory.set_state(*tag_, "created");
  return name;
}

void ContainerSnapshot::deliver() {
  context_.inventory.set_state(*tag_, "delivered");
}

}  // namespace toehold
