#include "runner/engine/event_stream.hpp"

namespace toehold {

void EventStream::emit_together(std::vector<EventData> batch) {
  std::vector<Event> events;
  events.reserve(batch.size());
  const UnixMillis now = clock_.unix_millis();
  for (EventData& data : batch) events.push_back({++seq_, now, std::move(data)});
  if (journal_) journal_->append(events);
  for (const Event& event : events) sink_.on(event);
}

void EventStream::output(const Output& output) {
  sink_.on(Event{0, clock_.unix_millis(), output});
}

void EventStream::sync() {
  if (journal_) journal_->sync();
}

}  // namespace toehold
