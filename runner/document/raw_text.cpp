#include "runner/document/raw_text.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

namespace {

constexpr auto npos = std::string_view::npos;

/// Reads on until the token pile is too high. Errs only where the text is no good YAML anyway, or
/// was written to deceive.
class TokenPile {
 public:
  TokenPile(std::string_view text, std::size_t most) : text_(text), most_(most) {}

  std::optional<std::size_t> find() {
    const TextStart start = find_start(text_);
    at_ = start.offset;
    begin_line();
    after_colon_ = start.bracket;  // read_yaml sees to it that this one cannot be a key
    for (; at_ < text_.size() && waiting_ <= most_; ++at_) character(text_[at_]);
    if (waiting_ <= most_) return std::nullopt;
    return at_ - 1;
  }

 private:
  void begin_line() {
    line_begin_ = at_;
    value_start_ = true;
    after_colon_ = false;
    parent_.reset();
    dash_.reset();
    if (!may_be_key()) waiting_ = 0;
  }

  /// Whether the tokens from some open bracket on may turn out to be a key.
  bool may_be_key() const { return keys_ > 0; }

  bool blank_follows() const {
    return at_ + 1 >= text_.size() || std::string_view(" \t\r\n").find(text_[at_ + 1]) != npos;
  }

  /// `"key":value`: JSON needs no blank.
  bool text_follows_key() const {
    return at_ > 0 && std::string_view("\"']}").find(text_[at_ - 1]) != npos;
  }

  bool blank_precedes() const {
    return at_ == line_begin_ || text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t';
  }

  void character(char c) {
    if (c == ' ' || c == '\t' || c == '\r') return;
    if (c == '\n') {
      ++at_;
      begin_line();
      --at_;
    } else if (c == '#' && blank_precedes()) {
      at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
    } else if (value_start_ && (c == '"' || c == '\'')) {
      token();
      quoted(c);
    } else if (value_start_ && (c == '!' || c == '&' || c == '*')) {
      token();
      at_ = std::min(text_.find_first_of(open_.empty() ? " \n" : " \n,[]{}", at_), text_.size());
      --at_;
    } else if (open_.empty()) {
      block(c);
    } else {
      flow(c);
    }
  }

  void token() {
    ++waiting_;
    if (value_start_ && !parent_) parent_ = at_ - line_begin_;
  }

  /// Another quote may follow at once: the library takes it for a text of its own.
  void quoted(char quote) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (quote == '"' && text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (quote == '"' || text_.substr(at_ + 1, 1) != "'") return;
        ++at_;
      }
    }
  }

  void block(char c) {
    if (c == ':' && blank_follows()) {
      ++waiting_;
      value_start_ = after_colon_ = true;
    } else if (!value_start_) {
      return;
    } else if ((c == '-' || c == '?') && blank_follows()) {
      after_colon_ = false;
      dash_ = at_ - line_begin_;
    } else if (c == '[' || c == '{') {
      open();
    } else if ((c == '|' || c == '>') && (after_colon_ || dash_)) {
      block_scalar();
    } else {
      token();
      value_start_ = false;
    }
  }

  void open() {
    token();
    const bool key = !after_colon_;
    open_.push_back(key);
    keys_ += key;
    value_start_ = true;
    after_colon_ = false;
  }

  void flow(char c) {
    if (c == '[' || c == '{') {
      open();
    } else if (c == ']' || c == '}') {
      token();
      keys_ -= open_.back();
      open_.pop_back();
      value_start_ = false;
    } else if (c == ',') {
      waiting_ = may_be_key() ? waiting_ + 2 : 0;
      value_start_ = true;
      after_colon_ = false;
    } else if (c == '?' || (c == ':' && (blank_follows() || text_follows_key()))) {
      waiting_ += 2;
      value_start_ = true;
      after_colon_ = c == ':';
    } else if (c == '-' && value_start_ && blank_follows() &&
               trim(text_.substr(line_begin_, at_ - line_begin_)).empty()) {
      // The library ends with an error here, if this was a bracket at all and not a script's.
      open_.clear();
      keys_ = waiting_ = 0;
    } else {
      value_start_ = false;
    }
  }

  /// Skips the lines that are indented more than the key or '-' that the scalar belongs to.
  void block_scalar() {
    const std::size_t parent = after_colon_ && parent_ ? *parent_ : dash_.value_or(0);
    value_start_ = false;
    std::size_t end = text_.find('\n', at_);
    while (end != npos && end + 1 < text_.size()) {
      const std::size_t content = text_.find_first_not_of(' ', end + 1);
      if (content == npos) break;
      const bool empty = text_[content] == '\n' || text_[content] == '\r';
      if (!empty && content - (end + 1) <= parent) break;
      end = text_.find('\n', content);
    }
    at_ = std::min(end, text_.size()) - 1;
  }

  const std::string_view text_;
  const std::size_t most_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t waiting_ = 0;
  std::vector<bool> open_;  // brackets: whether it may begin a key
  std::size_t keys_ = 0;    // how many of them do
  bool value_start_ = true;
  bool after_colon_ = false;
  std::optional<std::size_t> parent_;  // column of the line's first token but '-'
  std::optional<std::size_t> dash_;    // column of the line's last '-'
};

void report_control(const SourceText& source, std::size_t at, Diagnostics& diagnostics) {
  const auto code = static_cast<unsigned char>(source.text()[at]);
  char shown[8];
  std::snprintf(shown, sizeof shown, "0x%02X", code);
  diagnostics.error(codes::encoding, source.location_at(at),
                    std::string("the control character ") + shown + " cannot stand in YAML",
                    std::string("remove it, or write it as \"\\x") + (shown + 2) +
                        "\" in a text in double quotes");
}

/// One finding for a line, and not for every line of a file in another encoding.
bool check_utf8(const SourceText& source, Diagnostics& diagnostics) {
  const std::string_view text = source.text();
  std::size_t from = 0;
  for (int found = 0; found < 10; ++found) {
    const auto wrong = find_invalid_utf8(text.substr(from));
    if (!wrong) return found == 0;
    const std::size_t at = from + *wrong;
    char byte[8];
    std::snprintf(byte, sizeof byte, "0x%02X", static_cast<unsigned char>(text[at]));
    diagnostics.error(codes::encoding, source.location_at(at),
                      std::string("the byte ") + byte + " is not UTF-8", "save the file as UTF-8");
    from = text.find('\n', at);
    if (from == npos) return false;
  }
  return false;
}

bool check_controls(const SourceText& source, Diagnostics& diagnostics) {
  const std::string& text = source.text();
  const auto wrong = std::find_if(text.begin(), text.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return (code < 0x20 && c != '\t' && c != '\n' && c != '\r') || code == 0x7F;
  });
  if (wrong == text.end()) return true;
  report_control(source, static_cast<std::size_t>(wrong - text.begin()), diagnostics);
  return false;
}

}  // namespace

TextStart find_start(std::string_view text) {
  const std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  std::size_t at = text.find_first_not_of(" \t\r\n", begin);
  while (at != npos && text[at] == '#') {
    at = text.find('\n', at);
    if (at != npos) at = text.find_first_not_of(" \t\r\n", at);
  }
  if (at != npos && (text[at] == '{' || text[at] == '[')) return {at, true};
  return {begin, false};
}

bool check_raw_text(const SourceText& source, const YamlLimits& limits, Diagnostics& diagnostics) {
  const std::string& text = source.text();
  if (text.size() > limits.bytes) {
    diagnostics.error(codes::limit, {1, 1},
                      "the document has " + format_size(text.size()) + "; the limit is " +
                          format_size(limits.bytes),
                      "split it, and call the parts with ExecuteDocument");
    return false;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    diagnostics.error(codes::encoding, source.location_at(nul), "there is a NUL character here",
                      "the file may be UTF-16: save it as UTF-8");
    return false;
  }
  const bool utf8 = check_utf8(source, diagnostics);
  const bool printable = check_controls(source, diagnostics);
  if (!utf8 || !printable) return false;
  constexpr std::size_t most_tokens = 250'000;  // at some 230 bytes each
  if (const auto pile = find_token_pile(text, most_tokens)) {
    diagnostics.error(codes::limit, source.location_at(*pile),
                      "there is too much in one pair of brackets, or on one line, up to here",
                      "look for a bracket that is never closed, or write the list below its key "
                      "with '- ' before every item");
    return false;
  }
  return true;
}

std::optional<std::size_t> find_token_pile(std::string_view text, std::size_t most) {
  return TokenPile(text, most).find();
}

}  // namespace toehold
