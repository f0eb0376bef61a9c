#include "runner/controller/layer_store.hpp"
#include "runner/agent/run_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"
#include "runner/base/platform.hpp"
#include "runner/controller/sandbox_base.hpp"

namespace toehold {

namespace {

const Fields<LayerRecord>& table() {
  // clang-format off
  static const Fields<LayerRecord> fields = Fields<LayerRecord>{}
      .required("key", &LayerRecord::key, "Of all that decided it.")
      .required("parent", &LayerRecord::parent, "Key of the layer below.")
      .required("action", &LayerRecord::action, "Of the step.")
      .required("step", &LayerRecord::step, "Its name.")
      .required("outputs", &LayerRecord::outputs, "What it left for later steps.")
      .optional("parts", &LayerRecord::parts, "Digests of what went into the key.")
      .required("hasFiles", &LayerRecord::has_files, "Whether it changed any.")
      .required("made", &LayerRecord::made, "Milliseconds since 1970.")
      .required("used", &LayerRecord::used, "Likewise.")
      .required("bootId", &LayerRecord::boot_id, "Of the machine.")
      .required("durable", &LayerRecord::durable, "Survives a power cut.")
      .required("bytes", &LayerRecord::bytes, "Of its files.");
  // clang-format on
  return fields;
}

std::int64_t size_of(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error) && !entry.is_symlink(error)) {
      bytes += static_cast<std::int64_t>(entry.file_size(error));
    }
  }
  return bytes;
}

}  // namespace

CacheLock::CacheLock(Use use) {
  const fs::path folder = state_base() / "cache";
  make_private_directory(folder);
  const fs::path file = folder / "lock";
  fd_ = FileDescriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd_) throw Error::from_errno("cannot open " + file.string(), errno);
  const int operation = use == Use::shared ? LOCK_SH : LOCK_EX | LOCK_NB;
  if (::flock(fd_.get(), operation) != 0) {
    throw Error(Error::Kind::busy, "builds are at work with the cache",
                "try again when they are over");
  }
}

LayerStore::LayerStore(fs::path folder)
    : folder_(std::move(folder)), boot_id_(read_platform().boot_id) {
  make_private_directory(folder_);
}

std::string identity_of(const LayerRecord& record) {
  return record.key + "@" + std::to_string(record.made);
}

fs::path LayerStore::files(const LayerRecord& record) const {
  return folder_ / record.key / ("fs-" + std::to_string(record.made));
}

std::optional<LayerRecord> LayerStore::read(const fs::path& layer) const {
  std::error_code error;
  if (!fs::exists(layer / "record.json", error)) return std::nullopt;
  try {
    Diagnostics findings(nullptr);
    return table().decode(parse_json(read_file(layer / "record.json")), "a layer", findings);
  } catch (const Error&) {
    return std::nullopt;  // half written: as if it were not there
  }
}

void LayerStore::write(const LayerRecord& record) const {
  const fs::path place = folder_ / record.key / "record.json";
  // Of this writer alone: builds side by side may keep the same layer at the same time.
  const fs::path temporary = folder_ / record.key / (".record-" + random_hex(16));
  {
    const FileDescriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) throw Error::from_errno("cannot write " + place.string(), errno);
    write_all(fd.get(), to_json(table().encode(record)) + "\n", place.string());
  }
  fs::rename(temporary, place);
}

std::optional<LayerRecord> LayerStore::find(const std::string& key) const {
  auto record = read(folder_ / key);
  if (!record || record->key != key) return std::nullopt;
  if (!record->durable && record->boot_id != boot_id_) return std::nullopt;
  std::error_code error;
  if (record->has_files && !fs::is_directory(files(*record), error)) return std::nullopt;
  return record;
}

/// Another build may have put its layer there just now: a folder with files is never replaced.
void LayerStore::take_over(const fs::path& upper, LayerRecord& record) const {
  std::error_code error;
  for (;; ++record.made) {
    fs::rename(upper, files(record), error);
    if (!error) return;
    if (error != std::errc::directory_not_empty && error != std::errc::file_exists) {
      throw Error::from_errno("cannot keep " + upper.string(), error.value());
    }
  }
}

LayerRecord LayerStore::put(LayerRecord record, const fs::path& upper) {
  std::error_code error;
  make_private_directory(folder_ / record.key);
  while (fs::exists(files(record), error)) ++record.made;
  record.has_files = !fs::is_empty(upper, error);
  record.boot_id = boot_id_;
  record.durable = false;
  if (record.has_files) {
    record.bytes = size_of(upper);
    take_over(upper, record);
  }
  write(record);
  new_.push_back(record.key);
  return record;
}

void LayerStore::set_used(const std::string& key, UnixMillis now) {
  auto record = read(folder_ / key);
  if (!record || now - record->used < 60 * 1000) return;
  record->used = now;
  write(*record);
}

std::vector<LayerRecord> LayerStore::list() const {
  std::vector<LayerRecord> records;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (auto record = read(entry.path())) records.push_back(std::move(*record));
  }
  return records;
}

void LayerStore::remove(const std::string& key) {
  fs::remove(folder_ / key / "record.json");  // first, so that half of it is never found
  fs::remove_all(folder_ / key);
}

void LayerStore::remove_halves() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (!read(entry.path())) fs::remove_all(entry.path(), error);
  }
}

void LayerStore::make_durable() {
  if (new_.empty()) return;
  const FileDescriptor fd(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) return;  // then they are made again after a power cut
  for (const std::string& key : new_) {
    if (auto record = read(folder_ / key)) {
      record->durable = true;
      write(*record);
    }
  }
  new_.clear();
}

}  // namespace toehold
