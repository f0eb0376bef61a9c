// EventSink: a reader of the event stream. A seam: tests record. Sinks are called in one thread, in
// order; they must not throw for what they cannot show.
#pragma once

#include <vector>

#include "runner/engine/event.hpp"

namespace toehold {

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void on(const Event& event) = 0;
  /// Called a few times a second while a step is running, for clocks on a screen.
  virtual void tick() {}
};

/// Passes every event on, in the order of the list.
class Tee final : public EventSink {
 public:
  explicit Tee(std::vector<EventSink*> sinks) : sinks_(std::move(sinks)) {}
  void on(const Event& event) override {
    for (EventSink* sink : sinks_) sink->on(event);
  }
  void tick() override {
    for (EventSink* sink : sinks_) sink->tick();
  }

 private:
  std::vector<EventSink*> sinks_;
};

}  // namespace toehold
