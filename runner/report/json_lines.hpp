// JsonLines: every event but Output as a line of JSON in events.jsonl of the log folder: what
// `events` serves and machines follow. Fed behind the redactor, so it holds no secrets; it is a
// report, the journal is the state. What a killed process did not get to write is written when the
// run goes on and its events are told again.
#pragma once

#include <filesystem>

#include "runner/base/files.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

class JsonLines final : public EventSink {
 public:
  /// Appends, after the last whole line; mode 0600. Throws Error(io).
  explicit JsonLines(const std::filesystem::path& path);
  void on(const Event& event) override;
  /// Why it is not all there; empty: it is.
  const std::string& problem() const { return problem_; }

 private:
  FileDescriptor fd_;
  std::uint64_t last_seq_ = 0;
  std::string problem_;
};

}  // namespace toehold
