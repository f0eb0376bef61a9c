#include "runner/document/raw_text.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

namespace {

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
    if (from == std::string_view::npos) return false;
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
  return utf8 && printable;
}

}  // namespace toehold
