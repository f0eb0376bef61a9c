#include "runner/controller/build_folder.hpp"
#include "runner/agent/run_directory.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/agent/aws_reach.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/sandbox_base.hpp"
#include "runner/controller/state_copy.hpp"

namespace toehold {

namespace {

const Fields<BuildRecord>& table() {
  // clang-format off
  static const Fields<BuildRecord> fields = Fields<BuildRecord>{}
      .required("id", &BuildRecord::id, "Of the build.")
      .required("recipe", &BuildRecord::recipe, "Its file.")
      .optional("settings", &BuildRecord::settings, "Of --set.")
      .optional("outputs", &BuildRecord::outputs, "Of --output.")
      .optional("withoutTests", &BuildRecord::without_tests, "Of --no-test.")
      .required("target", &BuildRecord::target, "Where it runs.")
      .required("state", &BuildRecord::state, "running, stopped, kept, delivered, succeeded or failed.")
      .optional("failedStep", &BuildRecord::failed_step, "Where it failed.")
      .optional("message", &BuildRecord::message, "Why.")
      .optional("delivered", &BuildRecord::delivered, "What it has made, in words.")
      .required("started", &BuildRecord::started, "Milliseconds since 1970.")
      .optional("copy", &BuildRecord::copy, "Where its state is, too.");
  // clang-format on
  return fields;
}

std::optional<BuildRecord> read_record(const fs::path& folder) {
  try {
    Diagnostics findings(nullptr);
    return table().decode(parse_json(read_file(folder / "build.json")), "a build", findings);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Letters, digits and dashes: a build's id is a folder's name.
std::string plain(const std::string& name) {
  std::string text;
  for (const char c : lower(name)) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (fits) {
      text += c;
    } else if (!text.empty() && text.back() != '-') {
      text += '-';
    }
  }
  while (!text.empty() && (text.back() == '-' || text.back() == '.')) text.pop_back();
  while (!text.empty() && (text.front() == '-' || text.front() == '.')) text.erase(0, 1);
  return text.empty() ? "build" : text.substr(0, 60);
}

}  // namespace

bool is_unfinished(const BuildRecord& record) {
  return record.state == "running" || record.state == "stopped" || record.state == "kept" ||
         record.state == "delivered";
}

fs::path builds_folder() {
  return state_base() / "builds";
}

BuildFolder::BuildFolder(fs::path path) : path_(std::move(path)) {
  lock_ = std::make_unique<FileLock>(path_ / "lock");
  inventory_ = std::make_unique<Inventory>(path_ / "inventory.jsonl");
}

BuildFolder BuildFolder::create(const std::string& name, UnixMillis now) {
  const std::string id = plain(name) + format_utc(now, "-%Y%m%d-%H%M%S-") + random_hex(3);
  const fs::path path = builds_folder() / id;
  make_private_directory(path);
  BuildFolder folder(path);
  folder.record_.id = id;
  folder.record_.started = now;
  return folder;
}

BuildFolder BuildFolder::open(const std::string& id) {
  std::vector<std::string> fitting;
  std::vector<std::string> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(builds_folder(), error)) {
    all.push_back(entry.path().filename().string());
    if (all.back().starts_with(id)) fitting.push_back(all.back());
    if (all.back() == id) fitting = {id};
    if (!fitting.empty() && fitting.front() == id) break;
  }
  if (fitting.empty()) {
    const std::string hint = did_you_mean(id, all);
    throw Error(Error::Kind::usage, "there is no build " + id,
                hint.empty() ? "toehold builds lists them" : hint);
  }
  if (fitting.size() > 1) {
    throw Error(Error::Kind::usage, "several builds begin with " + id, join(fitting, ", "));
  }
  BuildFolder folder(builds_folder() / fitting.front());
  auto record = read_record(folder.path_);
  if (!record) throw Error(Error::Kind::state, folder.path_.string() + " has no readable record");
  folder.record_ = std::move(*record);
  return folder;
}

BuildFolder BuildFolder::adopt(const std::string& id) {
  if (id != plain(id)) throw Error(Error::Kind::usage, "'" + id + "' is no id of a build");
  make_private_directory(builds_folder() / id);
  BuildFolder folder(builds_folder() / id);
  if (auto record = read_record(folder.path_)) folder.record_ = std::move(*record);
  return folder;
}

BuildFolder::BuildFolder(BuildFolder&&) noexcept = default;

BuildFolder::~BuildFolder() {
  if (!copy_) return;
  try {
    end_copy();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "warning: %s stays: %s\n", record_.copy.c_str(),
                 full_message(error).c_str());
  }
}

void BuildFolder::refill(const FolderFiles& files) {
  write_folder(path_, files);
  inventory_ = std::make_unique<Inventory>(path_ / "inventory.jsonl");
  auto record = read_record(path_);
  if (!record) throw Error(Error::Kind::state, path_.string() + " has no readable record");
  record_ = std::move(*record);
}

std::string BuildFolder::own_id() {
  const fs::path file = path_ / "holder";
  std::error_code error;
  if (!fs::exists(file, error)) write_file_atomically(file, random_hex(8) + "\n");
  return std::string(trim(read_file(file, 64)));
}

void BuildFolder::attach(std::unique_ptr<AwsReach> reach, std::unique_ptr<StateCopy> copy,
                         std::stop_token stop) {
  reach_ = std::move(reach);
  copy_ = std::move(copy);
  inventory_->on_record([copy = copy_.get(), stop = std::move(stop)] { copy->save(false, stop); });
}

void BuildFolder::end_copy() {
  const std::unique_ptr<StateCopy> copy = std::move(copy_);
  if (!copy) return;
  inventory_->on_record({});
  if (copy->is_lost()) return;
  if (inventory_->remaining().empty()) {
    copy->remove();
    record_.copy.clear();
    save();
  } else {
    copy->release();
  }
}

void BuildFolder::save() {
  write_file_atomically(path_ / "build.json", to_json(table().encode(record_), 2) + "\n");
}

std::vector<fs::path> unrecorded_builds() {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(builds_folder(), error)) {
    if (!fs::exists(entry.path() / "build.json", error)) folders.push_back(entry.path());
  }
  return folders;
}

std::vector<BuildRecord> list_builds() {
  std::vector<BuildRecord> records;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(builds_folder(), error)) {
    if (auto record = read_record(entry.path())) records.push_back(std::move(*record));
  }
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.started > b.started; });
  return records;
}

}  // namespace toehold
