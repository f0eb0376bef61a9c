// LayerStore: what finished steps left, found again by a key of all that decided it: the layer
// below, the action, its resolved inputs. One for all builds of a machine, and one in each build
// for what may not be shared. Called by the sandbox and by `cache`; never judges what may be kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"
#include "runner/base/value.hpp"

namespace toehold {

struct LayerRecord {
  std::string key;
  std::string parent;  // key of the layer below
  std::string action;
  std::string step;  // "build.Install", as it was called when it was made
  Value outputs{Value::List()};
  Value parts{Value::Map()};  // as of key_parts(): to say later what has changed
  bool has_files = false;     // false: the step changed no file
  UnixMillis made = 0;
  UnixMillis used = 0;
  std::string boot_id;   // of the machine that made it
  bool durable = false;  // survives a power cut
  std::int64_t bytes = 0;
};

/// Builds share the cache; whoever removes layers has it alone.
class CacheLock {
 public:
  enum class Use { shared, alone };
  /// Throws Error(busy) when builds are at work and it is wanted alone; waits for the other way.
  explicit CacheLock(Use use);

 private:
  FileDescriptor fd_;
};

/// What the key of the layer above builds on: this very layer, not another of the same key.
std::string identity_of(const LayerRecord& record);

class LayerStore {
 public:
  /// Makes the private folder; throws Error(io).
  explicit LayerStore(std::filesystem::path folder);

  /// nullopt also for one that a power cut may have damaged.
  std::optional<LayerRecord> find(const std::string& key) const;
  /// The layer's files; exists when the record has_files. They never change: a layer that is made
  /// anew under its old key has others.
  std::filesystem::path files(const LayerRecord& record) const;
  /// Takes the folder `upper` over (a rename), or nothing when it is empty; from then on it is what
  /// is found. Returns the record as it is kept.
  LayerRecord put(LayerRecord record, const std::filesystem::path& upper);
  void set_used(const std::string& key, UnixMillis now);
  std::vector<LayerRecord> list() const;
  /// Throws Error(io).
  void remove(const std::string& key);
  /// What was killed while it was put or removed. Nobody else may be at work with it.
  void remove_halves();
  /// Everything that is in it is on the disk; the records say so from then on.
  void make_durable();

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::optional<LayerRecord> read(const std::filesystem::path& layer) const;
  void write(const LayerRecord& record) const;
  void take_over(const std::filesystem::path& upper, LayerRecord& record) const;

  std::filesystem::path folder_;
  std::string boot_id_;
  std::vector<std::string> new_;  // put by this process and not yet durable
};

}  // namespace toehold
