#include "runner/base/diagnostic.hpp"

#include <algorithm>
#include <tuple>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// Cut where no character is split.
std::string beginning_of(std::string text) {
  constexpr std::size_t most = 2000;
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > most - 4 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

void Diagnostics::add(Diagnostic item) {
  constexpr std::size_t most = 200;
  std::size_t& count = item.severity == Severity::error ? errors_ : warnings_;
  ++count;
  if (count > most + 1) return;
  if (count == most + 1) {
    item.code = codes::too_many.name;
    item.message = std::string("there are more than ") + std::to_string(most) +
                   (item.severity == Severity::error ? " errors" : " warnings");
    item.hint = "those that were found from here on are not listed";
  }
  item.message = beginning_of(std::move(item.message));
  item.hint = beginning_of(std::move(item.hint));
  items_.push_back(std::move(item));
}

void Diagnostics::error(const DiagnosticCode& code, SourceLocation where, std::string message,
                        std::string hint) {
  if (explained_.contains({where.line, where.column})) return;
  add({Severity::error, code.name, std::move(message), std::move(hint), where, source_});
}

void Diagnostics::warning(const DiagnosticCode& code, SourceLocation where, std::string message,
                          std::string hint) {
  add({Severity::warning, code.name, std::move(message), std::move(hint), where, source_});
}

void Diagnostics::explained(SourceLocation where) {
  if (where.known()) explained_.emplace(where.line, where.column);
}

void Diagnostics::explain_errors() {
  for (const Diagnostic& item : items_) {
    if (item.severity == Severity::error) explained(item.where);
  }
}

bool Diagnostics::has_error_in_line(std::uint32_t line) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Diagnostic& item) {
    return item.severity == Severity::error && item.where.line == line;
  });
}

void Diagnostics::append(const Diagnostics& other) {
  for (const Diagnostic& item : other.items_) add(item);
}

void Diagnostics::sort() {
  const auto place = [](const Diagnostic& item) {
    return std::tuple(item.code == codes::too_many.name, item.where.line, item.where.column);
  };
  std::stable_sort(items_.begin(), items_.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

namespace {

/// Columns are bytes inside and characters outside.
std::size_t shown_column(const Diagnostic& diagnostic) {
  if (!diagnostic.source || diagnostic.where.column == 0) return diagnostic.where.column;
  const auto before =
      diagnostic.source->line(diagnostic.where.line).substr(0, diagnostic.where.column - 1);
  return 1 + static_cast<std::size_t>(std::count_if(before.begin(), before.end(),
                                                    [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string position(const Diagnostic& diagnostic) {
  std::string text = diagnostic.source ? diagnostic.source->name() : std::string("document");
  if (diagnostic.where.known()) {
    text += ":" + std::to_string(diagnostic.where.line) + ":" +
            std::to_string(shown_column(diagnostic));
  }
  return text;
}

const char* severity_name(Severity severity) {
  return severity == Severity::error ? "error" : "warning";
}

/// The beginning of the character that the byte at `offset` belongs to.
std::size_t character_at(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return text.size();
  for (int back = 0; back < 3 && offset > 0 && (text[offset] & 0xC0) == 0x80; ++back) --offset;
  return offset;
}

/// The source line cut to a window around the caret, with the caret line below it.
std::string excerpt(const Diagnostic& diagnostic) {
  if (!diagnostic.source || !diagnostic.where.known()) return {};
  constexpr std::size_t width = 160;
  const std::string_view whole = diagnostic.source->line(diagnostic.where.line);
  std::size_t column = std::min<std::size_t>(
      diagnostic.where.column == 0 ? 0 : diagnostic.where.column - 1, whole.size());
  std::string line;
  if (whole.size() > width) {
    const std::size_t begin = character_at(whole, column > width / 2 ? column - width / 2 : 0);
    const std::size_t end = character_at(whole, begin + width);
    line = begin == 0 ? "" : "...";
    column = column - begin + line.size();
    line += whole.substr(begin, end - begin);
    if (end < whole.size()) line += "...";
  } else {
    line = whole;
  }
  std::string indent;
  for (std::size_t i = 0; i < column && i < line.size(); ++i) {
    if (line[i] == '\t') {
      indent += '\t';
    } else if ((line[i] & 0xC0) != 0x80) {
      indent += ' ';
    }
  }
  const std::string number = std::to_string(diagnostic.where.line);
  const std::string margin(number.size(), ' ');
  return " " + number + " | " + printable(line) + "\n " + margin + " | " + indent + "^\n";
}

std::string escape_github(std::string_view text, bool property) {
  std::string result = replace_all(text, "%", "%25");
  result = replace_all(result, "\r", "%0D");
  result = replace_all(result, "\n", "%0A");
  if (property) {
    result = replace_all(result, ":", "%3A");
    result = replace_all(result, ",", "%2C");
  }
  return result;
}

}  // namespace

std::string render_text(const Diagnostic& diagnostic, bool colour) {
  const bool is_error = diagnostic.severity == Severity::error;
  const char* strong = colour ? (is_error ? "\033[1;31m" : "\033[1;33m") : "";
  const char* bold = colour ? "\033[1m" : "";
  const char* plain = colour ? "\033[0m" : "";
  std::string text = bold + position(diagnostic) + ": " + strong +
                     severity_name(diagnostic.severity) + "[" + diagnostic.code + "]" + plain +
                     ": " + printable(diagnostic.message) + "\n" + excerpt(diagnostic);
  if (!diagnostic.hint.empty()) {
    text += "  = " + replace_all(printable(diagnostic.hint), "\n", "\n    ") + "\n";
  }
  return text;
}

std::string render_github(const Diagnostic& diagnostic) {
  std::string text = std::string("::") + severity_name(diagnostic.severity);
  text += " file=" + escape_github(diagnostic.source ? diagnostic.source->name() : "", true);
  if (diagnostic.where.known()) {
    text += ",line=" + std::to_string(diagnostic.where.line) +
            ",col=" + std::to_string(shown_column(diagnostic));
  }
  text += ",title=" + escape_github(diagnostic.code, true) + "::";
  std::string message = diagnostic.message;
  if (!diagnostic.hint.empty()) message += "\n" + diagnostic.hint;
  return text + escape_github(message, false) + "\n";
}

Value to_value(const Diagnostic& diagnostic) {
  return Value::object({
      {"severity", severity_name(diagnostic.severity)},
      {"code", diagnostic.code},
      {"message", diagnostic.message},
      {"hint", diagnostic.hint},
      {"file", diagnostic.source ? diagnostic.source->name() : std::string()},
      {"line", static_cast<std::int64_t>(diagnostic.where.line)},
      {"column", static_cast<std::int64_t>(shown_column(diagnostic))},
  });
}

}  // namespace toehold
