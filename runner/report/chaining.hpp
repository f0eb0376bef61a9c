// ChainingRecord: chaining.json, what references of later steps may resolve to: the inputs and
// outputs of every finished step, by document and "phase.step". Written when the run ends or stops.
#pragma once

#include <filesystem>

#include "runner/engine/event_sink.hpp"

namespace toehold {

class ChainingRecord final : public EventSink {
 public:
  explicit ChainingRecord(std::filesystem::path path) : path_(std::move(path)) {}
  void on(const Event& event) override;
  /// Why it is not all there; empty: it is.
  const std::string& problem() const { return problem_; }

 private:
  std::filesystem::path path_;
  std::string problem_;
  Value steps_ = Value(Value::Map());
};

}  // namespace toehold
