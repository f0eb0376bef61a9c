#include "runner/report/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runner/base/text.hpp"

namespace toehold {

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

void Terminal::clear_status() {
  if (!status_shown_) return;
  put("\r\033[K");
  status_shown_ = false;
}

std::size_t Terminal::width() const {
  winsize size{};
  if (::ioctl(style_.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void Terminal::status(const std::string& text) {
  if (!style_.live) return;
  // One character short, so that no terminal wraps; escapes are not counted, they are few.
  std::string shown;
  std::size_t columns = 0;
  const std::size_t most = width() - 1;
  for (std::size_t at = 0; at < text.size() && columns < most; ++at) {
    if ((text[at] & 0xC0) != 0x80) ++columns;
    shown += text[at];
  }
  put("\r" + dim(shown) + "\033[K");
  status_shown_ = true;
}

}  // namespace toehold
