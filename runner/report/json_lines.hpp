// JsonLines: every event but Output as a line of JSON in events.jsonl of the log folder: what
// `events` serves and machines follow. Fed behind the redactor, so it holds no secrets; it is a
// report, the journal is the state.
#pragma once

#include <filesystem>

#include "runner/base/files.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

class JsonLines final : public EventSink {
 public:
  /// Appends; mode 0600. Throws Error(io).
  explicit JsonLines(const std::filesystem::path& path);
  void on(const Event& event) override;

 private:
  FileDescriptor fd_;
};

}  // namespace toehold
