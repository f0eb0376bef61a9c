#include "runner/controller/console_end.hpp"

#include <vector>

#include "runner/base/text.hpp"

namespace toehold {

namespace {
constexpr std::ptrdiff_t most_lines = 20;
}

std::string console_end(const std::string& console) {
  std::vector<std::string> last = split(console, '\n');
  while (!last.empty() && trim(last.back()).empty()) last.pop_back();
  if (std::ssize(last) > most_lines) last.erase(last.begin(), last.end() - most_lines);
  if (last.empty()) return "\nThere is nothing on its console";
  std::string text = "\nIts console ends with";
  for (const std::string& line : last) text += "\n  " + std::string(trim(printable(line)));
  return text;
}

}  // namespace toehold
