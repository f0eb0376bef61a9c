#include "runner/report/run_stream.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/base/base64.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

// Beside the `type`s of events, which come from their table.
constexpr std::string_view output_type = "output";

// Bytes of a disk that output leaves to the events, which say what is missing. One that carries the
// output of a step has up to 400 KiB.
constexpr std::size_t for_events = 1 << 20;

/// `last_event`: the number of the event before it, so that any last line tells where a file ends.
std::string output_line(UnixMillis time, const Output& output, std::uint64_t last_event) {
  std::string line = "{\"type\":\"output\",\"time\":" + std::to_string(time) +
                     ",\"after\":" + std::to_string(last_event) + ",\"step\":";
  append_json_string(line, output.step);
  line += output.stream == Stream::out ? ",\"stream\":\"out\"" : ",\"stream\":\"err\"";
  if (!output.logging) line += ",\"hidden\":true";
  // In base64: a pipe carries any bytes, JSON only text.
  return line + ",\"bytes\":\"" + base64_encode(output.logging ? output.bytes : "") + "\"}";
}

Error not_ours(std::string_view line) {
  return Error(Error::Kind::state,
               "not a line of a run's stream: " + std::string(line.substr(0, 80)));
}

std::string text_in(const Value& record, const char* key) {
  const Value* value = record.find(key);
  return value ? value->text() : std::string();
}

/// What stands in the file from `begin` to `end`.
std::string read_part(int fd, off_t begin, off_t end) {
  std::string text(static_cast<std::size_t>(end - begin), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count =
        ::pread(fd, text.data() + got, text.size() - got, begin + static_cast<off_t>(got));
    if (count <= 0) throw Error::from_errno("cannot read the stream", errno);
    got += static_cast<std::size_t>(count);
  }
  return text;
}

struct LastLine {
  off_t end = 0;     // behind its newline
  std::string text;  // without it
};

/// The last whole line. Looks at the end only: the file may have grown beyond any memory.
LastLine last_line_of(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  for (off_t window = 64 << 10;; window *= 4) {
    const off_t begin = std::max<off_t>(0, size - window);
    const std::string text = read_part(fd, begin, size);
    const std::size_t newline = text.rfind('\n');
    if (newline == std::string::npos && begin == 0) return {};
    if (newline == std::string::npos) continue;
    const std::size_t before = newline == 0 ? std::string::npos : text.rfind('\n', newline - 1);
    if (before == std::string::npos && begin > 0) continue;
    return {begin + static_cast<off_t>(newline) + 1,
            text.substr(before + 1, newline - before - 1)};  // npos + 1 is 0
  }
}

std::uint64_t last_event_of(const std::string& line) {
  try {
    const Value record = parse_json(line);
    const Value* number = record.find(text_in(record, "type") == output_type ? "after" : "seq");
    return number ? static_cast<std::uint64_t>(number->as_int().value_or(0)) : 0;
  } catch (const Error&) {
    return 0;  // Not ours to mend.
  }
}

}  // namespace

RunStream::RunStream(const std::filesystem::path& path, bool goes_on)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) throw Error::from_errno("cannot write " + path.string(), errno);
  const LastLine last = goes_on ? last_line_of(fd_.get()) : LastLine();
  if (::ftruncate(fd_.get(), last.end) != 0) {
    throw Error::from_errno("cannot write " + path.string(), errno);
  }
  last_seq_ = last_event_of(last.text);
}

void RunStream::on(const Event& event) {
  if (const auto* output = std::get_if<Output>(&event.data)) {
    const std::string line = output_line(event.time, *output, last_seq_);
    if (has_room_for(line.size())) return write(line);
    lost_ += line.size();
  } else if (event.seq > last_seq_) {
    last_seq_ = event.seq;
    if (lost_ > 0) tell_of_loss();
    write(to_json(encode_event(event)));
  }
}

bool RunStream::has_room_for(std::size_t size) const {
  struct statvfs disk {};
  return ::fstatvfs(fd_.get(), &disk) != 0 || disk.f_bavail * disk.f_frsize >= size + for_events;
}

void RunStream::write(const std::string& line) {
  if (!try_to_write(line)) lost_ += line.size();
}

/// A full disk costs lines, never the run.
bool RunStream::try_to_write(const std::string& line) {
  try {
    append_line(fd_.get(), line, "the stream");
    return true;
  } catch (const Error&) {
    return false;
  }
}

void RunStream::tell_of_loss() {
  const Event event{0, SystemClock().unix_millis(),
                    Note{"", "warning",
                         "about " + format_size(lost_) +
                             " of what the run told are missing: the disk of the "
                             "machine did not take them"}};
  if (try_to_write(to_json(encode_event(event)))) lost_ = 0;
}

void read_stream_line(std::string_view line, EventSink& sink) {
  Value record;
  try {
    record = parse_json(line);
  } catch (const Error&) {
    throw not_ours(line);
  }
  if (text_in(record, "type") != output_type) {
    sink.on(decode_event(record));
    return;
  }
  const auto bytes = base64_decode(text_in(record, "bytes"));
  const Value* time = record.find("time");
  if (!bytes || !time) throw not_ours(line);
  Output output;
  output.step = text_in(record, "step");
  output.stream = text_in(record, "stream") == "err" ? Stream::err : Stream::out;
  output.bytes = *bytes;
  output.logging = !record.find("hidden");
  sink.on(Event{0, time->as_int().value_or(0), output});
}

}  // namespace toehold
