// Journal: the events of a run on disk, and the only state that a run has. Append-only lines of
// JSON, each with a checksum; what was appended together is found again together or not at all.
// Written by EventStream, read at start to resume; holds unmasked values, so its mode is 0600.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/engine/event.hpp"

namespace toehold {

struct JournalContents {
  std::vector<Event> events;
  std::size_t bytes = 0;  // up to the end of the last whole record
  bool torn = false;      // something half-written followed and is to be cut
};

/// Throws Error(state) naming the line when a record before the last one is damaged, and for a file
/// that is no journal. A missing file is an empty journal.
JournalContents read_journal(const std::filesystem::path& path);

class Journal {
 public:
  /// Creates the file, or opens it and cuts it after `keep` bytes. Throws Error(state).
  Journal(const std::filesystem::path& path, std::size_t keep);

  /// One write. Throws Error(state) when it cannot be written; nothing must be done after that.
  void append(std::span<const Event> events);
  /// What was appended survives a power cut. Throws Error(state); never retried, because a second
  /// fsync after a failed one may report success for pages that were dropped.
  void sync();

 private:
  std::filesystem::path path_;
  FileDescriptor fd_;
  bool dirty_ = false;
};

}  // namespace toehold
