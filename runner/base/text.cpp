#include "runner/base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace toehold {

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> items;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(separator, begin)) != std::string_view::npos; begin = at + 1)
    items.emplace_back(text.substr(begin, at - begin));
  items.emplace_back(text.substr(begin));
  return items;
}

std::string join(std::span<const std::string> items, std::string_view separator) {
  std::string result;
  for (const std::string& item : items) {
    if (&item != &items.front()) result += separator;
    result += item;
  }
  return result;
}

namespace {
char lower_char(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Insertions, deletions, changes, and two neighbours that changed places.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        next[j] = std::min(next[j], before[j - 2] + 1);
      }
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

/// Length of the well-formed UTF-8 sequence at `at`, or 0.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

/// How many bytes at `at` one replacement character stands for: the longest beginning of a
/// well-formed sequence (Unicode 15, section 3.9, "maximal subparts"), or one byte.
std::size_t ill_formed_length(std::string_view text, std::size_t at) {
  for (const std::size_t length : {3, 2}) {
    std::string completed(text.substr(at, length));
    if (completed.size() < length) continue;
    completed.resize(4, '\x80');
    if (utf8_length(completed, 0) > length) return length;
  }
  return 1;
}
}  // namespace

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower_char);
  return result;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_char(x) == lower_char(y); });
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(from, begin)) != std::string_view::npos;
       begin = at + from.size()) {
    result += text.substr(begin, at - begin);
    result += to;
  }
  result += text.substr(begin);
  return result;
}

/// No backtracking is needed, because the last star can always be moved on.
bool wildcard_matches(std::string_view pattern, std::string_view name, char any_one) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, star_name = 0;
  const auto fits = [&] {
    return pattern[p] == name[n] || (any_one != '\0' && pattern[p] == any_one);
  };
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (p < pattern.size() && fits()) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<std::string> closest_match(std::string_view word,
                                         std::span<const std::string> candidates) {
  if (word.empty() || word.size() > 200) return std::nullopt;
  const std::string wanted = lower(word);
  const std::size_t limit = word.size() <= 4 ? 1 : std::max<std::size_t>(2, word.size() / 3);
  std::optional<std::string> best;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), word.size());
    if (longer - std::min(candidate.size(), word.size()) > limit) continue;
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < best_distance && distance < longer) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const auto match = closest_match(word, candidates);
  return match ? "did you mean '" + *match + "'?" : std::string();
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

std::string to_valid_utf8(std::string_view text) {
  if (!find_invalid_utf8(text)) return std::string(text);
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    result += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += length == 0 ? ill_formed_length(text, at) : length;
  }
  return result;
}

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == 0x1B) {  // CSI ... final byte, OSC ... BEL or ST in its line, or two characters
      const char next = at + 1 < text.size() ? text[at + 1] : '\0';
      if (next == '[') {
        at += 2;
        while (at < text.size() && (text[at] < '@' || text[at] > '~')) ++at;
      } else if (next == ']') {
        const std::size_t end = text.find_first_of("\x07\x1B\n", at + 2);
        if (end == std::string_view::npos || text[end] == '\n') {
          ++at;
        } else {
          at = end + (text[end] == 0x1B);
        }
      } else {
        ++at;
      }
    } else if (c == '\n' || c == '\t' || c >= 0x20) {
      if (c != 0x7F) result += static_cast<char>(c);
    }
  }
  return to_valid_utf8(result);
}

std::string format_duration(double seconds) {
  std::array<char, 32> buffer;
  const auto whole = static_cast<long long>(seconds);
  if (seconds < 1) {
    std::snprintf(buffer.data(), buffer.size(), "%.0fms", seconds * 1000);
  } else if (seconds < 60) {
    std::snprintf(buffer.data(), buffer.size(), "%.1fs", seconds);
  } else if (whole < 3600) {
    std::snprintf(buffer.data(), buffer.size(), "%lldm%02llds", whole / 60, whole % 60);
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  }
  return buffer.data();
}

std::string count_of(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string format_size(unsigned long long bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f %s" : "%.1f %s", amount,
                units[unit]);
  return buffer.data();
}

}  // namespace toehold
