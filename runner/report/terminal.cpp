#include "runner/report/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// The first `most` characters.
std::string cut(const std::string& text, std::size_t most) {
  std::string shown;
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins = (text[at] & 0xC0) != 0x80;
    if (begins && ++columns > most) break;
    shown += text[at];
  }
  return shown;
}

}  // namespace

bool unicode_wanted() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    const std::string locale = lower(value);
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

std::string Terminal::paint(const char* code, std::string_view text) const {
  if (!style_.colour) return std::string(text);
  return std::string("\033[") + code + "m" + std::string(text) + "\033[0m";
}

void Terminal::put(std::string_view text) {
  if (style_.write && !quiet_) return style_.write(text);
  while (!text.empty() && !gone_ && !quiet_) {
    const ssize_t count = ::write(style_.fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      // Somebody made the screen non-blocking: wait a little, then drop the rest.
      pollfd ready{style_.fd, POLLOUT, 0};
      if (::poll(&ready, 1, 1000) <= 0) return;
    } else if (errno != EINTR) {
      gone_ = true;
    }
  }
}

void Terminal::print(std::string_view text) {
  clear_status();
  put(text);
}

std::string Terminal::to_first_status_line() const {
  if (shown_lines_ < 2) return "\r";
  return "\r\033[" + std::to_string(shown_lines_ - 1) + "A";
}

void Terminal::clear_status() {
  if (shown_lines_ == 0) return;
  put(to_first_status_line() + (shown_lines_ > 1 ? "\033[J" : "\033[K"));
  shown_lines_ = 0;
}

std::size_t Terminal::width() const {
  winsize size{};
  if (::ioctl(style_.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void Terminal::status_lines(const std::vector<std::string>& lines) {
  if (!style_.live || lines.empty()) return;
  std::string block = to_first_status_line();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) block += '\n';
    // One character short, so that no terminal wraps.
    block += dim(cut(lines[i], width() - 1)) + "\033[K";
  }
  if (lines.size() < shown_lines_) block += "\033[J";
  put(block);
  shown_lines_ = lines.size();
}

}  // namespace toehold
