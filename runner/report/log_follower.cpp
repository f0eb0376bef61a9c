#include "runner/report/log_follower.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>

#include "runner/base/error.hpp"

namespace toehold {

namespace {

constexpr std::size_t read_size = 256u << 10;
constexpr std::string_view stamp_form = "0000-00-00 00:00:00.000 ";

std::optional<UnixMillis> read_stamp(std::string_view line) {
  if (line.size() < stamp_form.size()) return std::nullopt;
  for (std::size_t i = 0; i < stamp_form.size(); ++i) {
    const bool digit = line[i] >= '0' && line[i] <= '9';
    if (stamp_form[i] == '0' ? !digit : line[i] != stamp_form[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t begin, std::size_t length) {
    int value = 0;
    for (const char c : line.substr(begin, length)) value = value * 10 + (c - '0');
    return value;
  };
  std::tm fields{};
  fields.tm_year = number(0, 4) - 1900;
  fields.tm_mon = number(5, 2) - 1;
  fields.tm_mday = number(8, 2);
  fields.tm_hour = number(11, 2);
  fields.tm_min = number(14, 2);
  fields.tm_sec = number(17, 2);
  return static_cast<UnixMillis>(::timegm(&fields)) * 1000 + number(20, 3);
}

/// Where a line that is too long for one event can be cut: not within a character.
std::size_t cut_of(std::string_view text) {
  std::size_t length = aws::LogBatch::longest_text;
  for (int back = 0; back < 3 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80;
       ++back) {
    --length;
  }
  return length;
}

}  // namespace

LogFollower::LogFollower(const std::filesystem::path& console_log, std::uint64_t position)
    : fd_(::open(console_log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {
  if (!fd_) throw Error::from_errno("cannot read " + console_log.string(), errno);
  position_ = std::min(position, bytes_from(0));
}

std::uint64_t LogFollower::bytes_from(std::uint64_t position) const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return 0;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return size > position ? size - position : 0;
}

bool LogFollower::read_more() {
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t held = buffer_.size();
  buffer_.resize(held + read_size);
  ssize_t count = 0;
  do {
    count =
        ::pread(fd_.get(), buffer_.data() + held, read_size, static_cast<off_t>(position_ + held));
  } while (count < 0 && errno == EINTR);
  buffer_.resize(held + (count > 0 ? static_cast<std::size_t>(count) : 0));
  if (count < 0) throw Error::from_errno("cannot read console.log", errno);
  if (count > 0 || bytes_from(0) >= position_) return count > 0;
  // Somebody has emptied it: what is written from now on stands at its beginning.
  position_ = 0;
  buffer_.clear();
  inside_line_ = false;
  return bytes_from(0) > 0;
}

/// The next line with its end, a part of a line that is too long, or nothing.
std::string_view LogFollower::next_segment(bool to_the_end) const {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  const std::size_t end = rest.substr(0, aws::LogBatch::longest_text).find('\n');
  if (end != std::string_view::npos) return rest.substr(0, end + 1);
  if (rest.size() > aws::LogBatch::longest_text) return rest.substr(0, cut_of(rest));
  return to_the_end ? rest : std::string_view();
}

void LogFollower::fill(aws::LogBatch& batch, bool to_the_end) {
  for (bool at_end = false;;) {
    const std::string_view segment = next_segment(to_the_end && at_end);
    if (segment.empty()) {
      if (at_end) return;
      at_end = !read_more();
      continue;
    }
    std::string_view text = segment;
    const bool ends = text.back() == '\n';
    if (ends) text.remove_suffix(1);
    if (const auto time = inside_line_ ? std::nullopt : read_stamp(text)) {
      line_time_ = *time;
      text.remove_prefix(stamp_form.size());
    }
    if (!batch.add(line_time_, text)) return;
    inside_line_ = !ends;
    at_ += segment.size();
    position_ += segment.size();
  }
}

}  // namespace toehold
