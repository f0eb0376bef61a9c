#include "runner/base/source.hpp"

#include <algorithm>
#include <utility>

namespace toehold {

SourceText::SourceText(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.reserve(1 + static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n')));
  line_starts_.push_back(0);
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
    line_starts_.push_back(at + 1);
  }
}

std::string_view SourceText::line(std::uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t begin = line_starts_[number - 1];
  std::size_t end = number < line_starts_.size() ? line_starts_[number] - 1 : text_.size();
  if (end > begin && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(begin, end - begin);
}

std::size_t SourceText::offset_of(SourceLocation where) const {
  if (!where.known()) return 0;
  if (where.line > line_starts_.size()) return text_.size();
  const std::size_t column = where.column == 0 ? 0 : where.column - 1;
  return std::min(line_starts_[where.line - 1] + column, text_.size());
}

SourceLocation SourceText::location_at(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - line_starts_.begin());
  return {line, static_cast<std::uint32_t>(offset - line_starts_[line - 1] + 1)};
}

}  // namespace toehold
