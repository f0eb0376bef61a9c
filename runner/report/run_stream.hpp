// RunStream: the whole of a run in one file of JSON lines, its events and what its steps print, for
// a controller on another machine that follows it by offsets (`follow`). Written by `run --stream`
// behind the redactor; read_stream_line is the other end, and gives the same events to the same
// reports. A report like the others: the journal is the state.
#pragma once

#include <filesystem>
#include <string_view>

#include "runner/base/files.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

class RunStream final : public EventSink {
 public:
  /// Mode 0600; throws Error(io). `goes_on`: appends, after the last whole line, and does not write
  /// again what the file has when the events of a run that goes on are told again. Else begins
  /// anew.
  RunStream(const std::filesystem::path& path, bool goes_on);
  void on(const Event& event) override;

 private:
  void write(const std::string& line);
  bool has_room_for(std::size_t size) const;
  bool try_to_write(const std::string& line);
  void tell_of_loss();

  FileDescriptor fd_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t lost_ = 0;  // bytes that the disk did not take and nobody was told of
};

/// Passes the event of one line, without its newline, to `sink`. Bytes of output are valid during
/// the call. Throws Error(state) for a line that is none of ours.
void read_stream_line(std::string_view line, EventSink& sink);

}  // namespace toehold
