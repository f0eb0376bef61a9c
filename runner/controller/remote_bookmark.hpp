// How far the run of a stage on another machine was followed, for the process that comes after this
// one. Called by RemoteAgent; a stage without a bookmark has not begun.
#pragma once

#include <cstdint>
#include <filesystem>

#include "runner/base/clock.hpp"
#include "runner/controller/provider.hpp"

namespace toehold {

class RemoteBookmark {
 public:
  /// Reads that of an earlier process. The clock outlives it.
  RemoteBookmark(const Stage& stage, Clock& clock);

  bool begun() const { return begun_; }
  /// Bytes of the run's stream.
  std::uint64_t offset() const { return offset_; }
  void remove();
  /// Not written at every line but `now`: what was shown may be shown again, which costs less.
  void set(std::uint64_t offset, bool now);

 private:
  std::filesystem::path file_;
  Clock& clock_;
  bool begun_ = false;
  std::uint64_t offset_ = 0;
  Monotonic written_{};
};

}  // namespace toehold
