#include "runner/base/mount_points.hpp"

#include <algorithm>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// A space is written as \040, and so on.
std::string decoded(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string digits = text[at] == '\\' ? text.substr(at + 1, 3) : std::string();
    if (digits.size() == 3 && digits.find_first_not_of("01234567") == std::string::npos) {
      result += static_cast<char>(std::stoi(digits, nullptr, 8));
      at += 3;
    } else {
      result += text[at];
    }
  }
  return result;
}

}  // namespace

std::vector<MountPoint> parse_mountinfo(std::string_view text) {
  std::vector<MountPoint> mounts;
  for (const std::string& line : split(text, '\n')) {
    // id, parent, device, root, point, options, any number of fields, "-", type, source, ...
    const std::vector<std::string> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (dash - words.begin() < 6 || words.end() - dash < 3) continue;
    mounts.push_back(
        {decoded(words[4]), words[2], decoded(words[3]), decoded(dash[1]), decoded(dash[2])});
  }
  return mounts;
}

}  // namespace toehold
