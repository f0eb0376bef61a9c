// BuildProgress: how far a build is, one fact after the other, told by a build that is one of
// several to what shows them all; when that is another process, as lines of JSON. Called by
// build_image and build_jobs; for no one else, so the lines may change with every version.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "runner/engine/event_sink.hpp"

namespace toehold {

/// One fact; what is empty or 0 has not changed.
struct ProgressLine {
  std::string build;       // id of the build, once
  std::string stage;       // "build" or "test", when it begins
  std::int64_t steps = 0;  // of the stage
  std::string step;        // "build.Install", when it begins
  std::int64_t done = 0;   // steps of the stage that have ended
  std::string ended;       // "succeeded", "failed" or "interrupted"
  std::string message;     // why it failed
  std::string image;       // id of the image
};

std::string encode_progress(const ProgressLine& line);
/// Throws Error(document) for what is none.
ProgressLine decode_progress(const std::string& text);

/// Writes a line to a descriptor; what nobody reads is dropped.
void write_progress(int fd, const ProgressLine& line);

class BuildProgress final : public EventSink {
 public:
  using Tell = std::function<void(const ProgressLine&)>;
  explicit BuildProgress(Tell tell) : tell_(std::move(tell)) {}
  void tell(const ProgressLine& line) { tell_(line); }
  void begin_stage(const std::string& name, std::size_t steps);
  void on(const Event& event) override;

 private:
  Tell tell_;
  std::int64_t done_ = 0;
};

}  // namespace toehold
