#include "runner/aws/config_file.hpp"

#include <algorithm>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  void line(std::string_view line) {
    ++number_;
    const std::string_view text = trim(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') return;
    const std::size_t indent = line.find_first_not_of(" \t");
    if (!key_.empty() && indent > key_indent_) return continuation(text);
    if (text.front() == '[') return header(text);
    if (sections_.empty()) fail("this is before the first [section]");
    const auto [key, value] = split_setting(text);
    key_ = key;
    key_indent_ = indent;
    sections_.back().values[key_] = value;
  }

  std::vector<ConfigSection> take() { return std::move(sections_); }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(Error::Kind::usage, path_ + ":" + std::to_string(number_) + ": " + why,
                "write lines of KEY = VALUE below [default] or [profile NAME]");
  }

  std::pair<std::string, std::string> split_setting(std::string_view text) const {
    // The AWS CLI takes a colon, too.
    const std::size_t mark = text.find_first_of("=:");
    const std::string_view key = trim(text.substr(0, mark));
    if (mark == std::string_view::npos || key.empty()) fail("neither a [section] nor KEY = VALUE");
    return {lower(key), std::string(trim(text.substr(mark + 1)))};
  }

  /// A line further in than its key belongs to the key: of a block when the key has no value.
  void continuation(std::string_view text) {
    Section& values = sections_.back().values;
    std::string& value = values[key_];
    if (!value.empty()) {
      value += "\n" + std::string(text);
      return;
    }
    const auto [key, nested] = split_setting(text);
    values[key_ + "." + key] = nested;
  }

  void header(std::string_view text) {
    key_.clear();
    const std::size_t end = text.rfind(']');
    if (end == std::string_view::npos) fail("a section's name ends with ]");
    std::string_view inside = trim(text.substr(1, end - 1));
    ConfigSection section;
    for (const char* type : {"profile", "sso-session", "services"}) {
      if (!inside.starts_with(type)) continue;
      const std::string_view rest = inside.substr(std::string_view(type).size());
      if (rest.empty() || (rest.front() != ' ' && rest.front() != '\t')) continue;
      section.type = type;
      inside = unquoted(trim(rest));
      break;
    }
    if (inside.empty()) fail("a section has a name");
    section.name = inside;
    sections_.push_back(std::move(section));
  }

  static std::string_view unquoted(std::string_view text) {
    const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                        text.back() == text.front();
    return quoted ? text.substr(1, text.size() - 2) : text;
  }

  const std::string& path_;
  int number_ = 0;
  std::vector<ConfigSection> sections_;
  std::string key_;  // the last one; empty after a [section]
  std::size_t key_indent_ = 0;
};

}  // namespace

std::vector<ConfigSection> parse_config_file(std::string_view text, const std::string& path) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Reader reader(path);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    reader.line(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return reader.take();
}

}  // namespace toehold::aws
