#include "runner/controller/inventory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

const Fields<InventoryRecord>& table() {
  static const Fields<InventoryRecord> fields =
      Fields<InventoryRecord>{}
          .required("number", &InventoryRecord::number, "Its number within the build.")
          .required("provider", &InventoryRecord::provider, "The target that made it, or `images`.")
          .required("kind", &InventoryRecord::kind, "What it is.")
          .required("id", &InventoryRecord::id, "What it is called.")
          .required("state", &InventoryRecord::state,
                    "planned, created, kept, removed, or delivered: what was wanted.");
  return fields;
}

}  // namespace

Inventory::Inventory(const std::filesystem::path& file)
    : file_(file),
      fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) throw Error::from_errno("cannot write " + file.string(), errno);
  const std::string text = read_file(file);
  const std::size_t whole = text.rfind('\n') + 1;  // a torn last line was never acted on
  if (whole != text.size() && ::ftruncate(fd_.get(), static_cast<off_t>(whole)) != 0) {
    throw Error::from_errno("cannot write " + file.string(), errno);
  }
  for (const std::string& line : split(std::string_view(text).substr(0, whole), '\n')) {
    if (line.empty()) continue;
    Diagnostics findings(nullptr);
    const auto record = table().decode(parse_json(line), "the inventory", findings);
    if (!record) throw Error(Error::Kind::state, file.string() + " is damaged: " + line);
    const auto known = std::find_if(records_.begin(), records_.end(), [&](const auto& other) {
      return other.number == record->number;
    });
    if (known == records_.end()) {
      records_.push_back(*record);
    } else {
      *known = *record;
    }
  }
}

std::int64_t Inventory::plan(const std::string& provider, const std::string& kind,
                             const std::string& id) {
  const std::int64_t number = records_.empty() ? 1 : records_.back().number + 1;
  records_.push_back({number, provider, kind, id, "planned"});
  append(records_.back());
  return number;
}

InventoryRecord Inventory::plan_again(const std::string& provider, const std::string& kind,
                                      const std::string& id) {
  for (const InventoryRecord& record : remaining()) {
    if (record.provider == provider && record.kind == kind && record.id == id) return record;
  }
  plan(provider, kind, id);
  return records_.back();
}

void Inventory::set_state(std::int64_t number, const std::string& state) {
  for (InventoryRecord& record : records_) {
    if (record.number != number || record.state == state) continue;
    record.state = state;
    append(record);
  }
}

std::vector<InventoryRecord> Inventory::remaining() const {
  std::vector<InventoryRecord> left;
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    if (record->state != "removed" && record->state != "delivered") left.push_back(*record);
  }
  return left;
}

void Inventory::append(const InventoryRecord& record) {
  append_line(fd_.get(), to_json(table().encode(record)), file_.string());
  // Only a plan has to outlive a power cut: the other states can be found out again.
  if (record.state == "planned" && ::fdatasync(fd_.get()) != 0) {
    throw Error::from_errno("cannot write " + file_.string(), errno);
  }
  if (!on_record_) return;
  try {
    on_record_();
  } catch (const Error&) {
    if (record.state == "planned") throw;  // the others can be found out again
  }
}

}  // namespace toehold
