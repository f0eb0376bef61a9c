#include "runner/engine/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"

namespace toehold {

namespace {

constexpr std::string_view checksum_key = ",\"crc\":\"";
constexpr std::size_t checksum_tail = checksum_key.size() + 8 + 2;  // ,"crc":"12345678"}

[[noreturn]] void not_durable(const std::filesystem::path& path, int reason) {
  throw Error(Error::Kind::state,
              "cannot write the journal " + path.string() + ": " + std::strerror(reason),
              "free or repair the disk, then give the same command again");
}

std::string encode_line(std::span<const Event> events) {
  std::string line;
  if (events.size() == 1) {
    line = to_json(encode_event(events.front()));
    line.pop_back();
  } else {
    line = "{\"batch\":[";
    for (const Event& event : events) {
      if (&event != &events.front()) line += ',';
      line += to_json(encode_event(event));
    }
    line += ']';
  }
  const std::string checksum = crc32c_hex(line);
  return line.append(checksum_key).append(checksum).append("\"}\n");
}

bool checksum_holds(std::string_view line) {
  if (line.size() <= checksum_tail || !line.ends_with("\"}")) return false;
  const std::string_view body = line.substr(0, line.size() - checksum_tail);
  const std::string_view tail = line.substr(body.size());
  return tail.starts_with(checksum_key) && tail.substr(checksum_key.size(), 8) == crc32c_hex(body);
}

void decode_line(std::string_view line, std::vector<Event>& events) {
  const Value value = parse_json(line);
  if (const Value* batch = value.find("batch")) {
    for (const Value& item : batch->list()) events.push_back(decode_event(item));
  } else {
    events.push_back(decode_event(value));
  }
}

}  // namespace

JournalContents read_journal(const std::filesystem::path& path) {
  JournalContents contents;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return contents;
  const std::string text = read_file(path);
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++number;
    const std::size_t end = text.find('\n', begin);
    const bool last = end == std::string::npos || end + 1 == text.size();
    const std::string_view line = std::string_view(text).substr(
        begin, (end == std::string::npos ? text.size() : end) - begin);
    if (end == std::string::npos || !checksum_holds(line)) {
      // A power cut leaves a torn tail, or blocks of zeros that were allocated but never written.
      const bool zeros = text.find_first_not_of('\0', begin) == std::string::npos;
      if (!last && !zeros) {
        throw Error(Error::Kind::state,
                    path.string() + ":" + std::to_string(number) + ": the record is damaged",
                    "start anew with --start-over, which forgets what this run had done");
      }
      contents.torn = true;
      return contents;
    }
    try {
      decode_line(line, contents.events);
    } catch (Error& wrong) {
      throw wrong.during(path.string() + ":" + std::to_string(number));
    }
    begin = end + 1;
    contents.bytes = begin;
  }
  return contents;
}

Journal::Journal(const std::filesystem::path& path, std::size_t keep)
    : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) not_durable(path_, errno);
  if (::ftruncate(fd_.get(), static_cast<off_t>(keep)) != 0 ||
      ::lseek(fd_.get(), static_cast<off_t>(keep), SEEK_SET) < 0) {
    not_durable(path_, errno);
  }
  if (keep == 0) {
    // The name itself must survive a power cut, or a resumed run would find nothing.
    sync_directory(path_.parent_path());
  }
}

void Journal::append(std::span<const Event> events) {
  const std::string line = encode_line(events);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd_.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) not_durable(path_, errno);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  dirty_ = true;
}

void Journal::sync() {
  if (!dirty_) return;
  if (::fdatasync(fd_.get()) != 0) not_durable(path_, errno);
  dirty_ = false;
}

}  // namespace toehold
