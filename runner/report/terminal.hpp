// Terminal: text out to a descriptor that may be a screen, a pipe or closed: colours where wanted,
// the width, and status lines that are redrawn below what scrolls. Never throws, never waits for a
// screen that does not take anything.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace toehold {

struct TerminalStyle {
  int fd = 2;
  bool live = false;  // has status lines
  bool colour = false;
  bool unicode = true;
  std::function<void(std::string_view)> write = {};  // instead of the descriptor
};

class Terminal {
 public:
  explicit Terminal(const TerminalStyle& style) : style_(style) {}
  ~Terminal() { clear_status(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void print(std::string_view text);
  /// Nothing is written while it is quiet.
  void set_quiet(bool quiet) { quiet_ = quiet; }
  /// Cut to the width and drawn below everything else; a live terminal only.
  void status(const std::string& text) { status_lines({text}); }
  void status_lines(const std::vector<std::string>& lines);
  void clear_status();

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string red(std::string_view text) const { return paint("31", text); }
  std::string green(std::string_view text) const { return paint("32", text); }
  std::string yellow(std::string_view text) const { return paint("33", text); }
  std::string cyan(std::string_view text) const { return paint("36", text); }
  bool live() const { return style_.live; }
  bool unicode() const { return style_.unicode; }

 private:
  std::string paint(const char* code, std::string_view text) const;
  void put(std::string_view text);
  std::size_t width() const;
  std::string to_first_status_line() const;

  TerminalStyle style_;
  std::size_t shown_lines_ = 0;  // on the screen; the cursor is in the last one
  bool quiet_ = false;
  bool gone_ = false;  // the other side closed
};

/// Whether the locale of the environment is a UTF-8 one.
bool unicode_wanted();

}  // namespace toehold
