// Inventory: what a build has created, written down before it is created, so that whatever happens
// to this process, `toehold cleanup` finds it. One file of JSON lines a build. Called by the
// providers and by cleanup; never removes anything itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/files.hpp"

namespace toehold {

struct InventoryRecord {
  std::int64_t number = 0;  // within its build
  std::string provider;     // "sandbox", or "images" for the store's
  std::string kind;         // "folder", "mount", "process", "container", "image" ...
  std::string id;           // what remove() needs: a path, a container's name
  std::string state;        // "planned", "created", "kept", "removed", "delivered"
};

class Inventory {
 public:
  /// Opens or makes `file`; mode 0600. Throws Error(io).
  explicit Inventory(const std::filesystem::path& file);

  /// Durable before it returns. Returns the record's number.
  std::int64_t plan(const std::string& provider, const std::string& kind, const std::string& id);
  /// The same, or what is left of an earlier process's record of this thing.
  InventoryRecord plan_again(const std::string& provider, const std::string& kind,
                             const std::string& id);
  void set_state(std::int64_t number, const std::string& state);
  /// What may still be there, the newest first: the order to remove it in.
  std::vector<InventoryRecord> remaining() const;
  const std::vector<InventoryRecord>& all() const { return records_; }
  /// `call` comes with each record, once that is here: with a plan before it is acted on, and what
  /// it throws keeps it from being acted on; with other states after the fact, then it is no
  /// failure.
  void on_record(std::function<void()> call) { on_record_ = std::move(call); }

 private:
  void append(const InventoryRecord& record);

  std::filesystem::path file_;
  FileDescriptor fd_;
  std::vector<InventoryRecord> records_;
  std::function<void()> on_record_;
};

}  // namespace toehold
