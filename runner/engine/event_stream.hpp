// EventStream: where the engine puts its events. Numbers and dates them, writes them to the journal
// first, then passes them to the sinks. The engine knows nothing else of the outside.
#pragma once

#include <span>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/engine/event_sink.hpp"
#include "runner/engine/journal.hpp"

namespace toehold {

class EventStream {
 public:
  /// `journal` may be null (nothing is kept). `last_seq`: of the events already in the journal.
  EventStream(Clock& clock, Journal* journal, EventSink& sink, std::uint64_t last_seq = 0)
      : clock_(clock), journal_(journal), sink_(sink), seq_(last_seq) {}

  void emit(EventData data) { emit_together({std::move(data)}); }
  /// Found again together after a crash, or not at all.
  void emit_together(std::vector<EventData> batch);
  /// Output goes to the sinks only.
  void output(const Output& output);
  void tick() { sink_.tick(); }
  /// What was emitted is durable; called before a step has effects.
  void sync();

 private:
  Clock& clock_;
  Journal* journal_;
  EventSink& sink_;
  std::uint64_t seq_;
};

}  // namespace toehold
