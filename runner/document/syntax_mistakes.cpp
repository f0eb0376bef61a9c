#include <algorithm>
#include <optional>
#include <regex>

#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/mistakes.hpp"

namespace toehold {

namespace {

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

bool is_json(const SourceText& source) {
  const std::string_view text = trim(source.text());
  return text.starts_with('{') || text.starts_with('[');
}

/// std::regex recurses along the text, so it sees the beginning of a line only.
constexpr std::size_t most = 400;

class SyntaxExplainer {
 public:
  SyntaxExplainer(const SourceText& source, SourceLocation where, const std::string& message,
                  Diagnostics& diagnostics)
      : source_(source), where_(where), message_(message), diagnostics_(diagnostics) {
    // The library often notices a line too late; what is wrong is then on the last line with text.
    if (where_.line > source_.line_count() || trim(source_.line(where_.line)).empty()) {
      while (where_.line > 1 && trim(source_.line(where_.line)).empty()) --where_.line;
      where_.column = static_cast<std::uint32_t>(indent_of(source_.line(where_.line)) + 1);
    }
  }

  void explain() {
    if (escape() || tabs() || lost_here_document() || unquoted_reference() || open_quote() ||
        open_bracket() || missing_blank() || unquoted_colon() || reserved_character() ||
        indentation()) {
      return;
    }
    diagnostics_.error(codes::yaml_syntax, where_, "this is not YAML: " + message_,
                       "compare the indentation and the quotes with the lines before");
  }

 private:
  std::string_view line(std::uint32_t number) const { return source_.line(number); }
  bool says(std::string_view part) const { return message_.find(part) != std::string::npos; }

  bool escape() {
    if (says("unknown escape character: ")) {
      const std::string name = message_.substr(message_.rfind(' ') + 1);
      diagnostics_.error(codes::yaml_syntax, where_,
                         "in double quotes, '\\" + name + "' means nothing to YAML",
                         "put the text in single quotes, or write '\\\\" + name + "'");
      return true;
    }
    if (!says("invalid unicode: ")) return false;
    diagnostics_.error(codes::yaml_syntax, where_, "YAML takes no half of a surrogate pair",
                       "write the character itself, or its number as \"\\U0001F600\"");
    return true;
  }

  /// Every line that is indented with a tab, unless tabs are allowed there.
  bool tabs() {
    if (is_json(source_)) return false;
    int found = 0;
    for (std::uint32_t number = 1; number <= source_.line_count() && found < 20; ++number) {
      const auto text = line(number);
      const std::size_t tab = text.substr(0, indent_of(text)).find('\t');
      if (tab == std::string_view::npos || trim(text).empty()) continue;
      // Behind the place of the error, or far before it, a tab may be a script's own.
      if (number > where_.line + 1 && found == 0) break;
      if (number + 1 < where_.line && !says("tab")) continue;
      diagnostics_.error(codes::tab_indent, {number, static_cast<std::uint32_t>(tab + 1)},
                         "a tab indents this line, and YAML takes only blanks",
                         "replace the tab by blanks, as many as the lines around it have");
      ++found;
    }
    return found != 0;
  }

  /// A line of a here-document that stands left of its block ends the block.
  bool lost_here_document() {
    static const std::regex opener("<<-?\\s*['\"\\\\]?([A-Za-z_][A-Za-z0-9_]*)");
    const std::uint32_t first = where_.line > 200 ? where_.line - 200 : 1;
    for (std::uint32_t number = where_.line; number-- > first;) {
      const std::string text(line(number).substr(0, most));
      std::smatch match;
      if (!std::regex_search(text, match, opener)) continue;
      const std::size_t indent = indent_of(text);
      for (std::uint32_t body = number + 1; body <= where_.line; ++body) {
        const auto content = line(body);
        if (trim(content).empty() || indent_of(content) >= indent) {
          if (trim(content) == match[1].str()) return false;  // it ended well
          continue;
        }
        diagnostics_.error(codes::heredoc_indent,
                           {body, static_cast<std::uint32_t>(indent_of(content) + 1)},
                           "the here-document of line " + std::to_string(number) +
                               " leaves the block here: this line is indented less than the script",
                           "indent the here-document's lines and its '" + match[1].str() + "' by " +
                               std::to_string(indent) + " blanks; YAML takes them off again");
        return true;
      }
      return false;
    }
    return false;
  }

  bool unquoted_reference() {
    static const std::regex value("^(\\s*(?:- )*(?:[A-Za-z0-9_-]+: +|- +)?)(\\{\\{.*)$");
    for (std::uint32_t number = where_.line; number + 2 > where_.line && number > 0; --number) {
      const std::string text(line(number).substr(0, most));
      std::smatch match;
      if (!std::regex_match(text, match, value)) continue;
      if (diagnostics_.has_error_in_line(number)) return true;
      const auto column = static_cast<std::uint32_t>(match[1].length() + 1);
      diagnostics_.error(codes::yaml_syntax, {number, column},
                         "a value that begins with '{' is a map to YAML",
                         "put the value in quotes: '" + match[2].str() + "'");
      return true;
    }
    return false;
  }

  bool open_quote() {
    if (!says("EOF in scalar") && !says("end of scalar") && !says("document indicator in scalar")) {
      return false;
    }
    // The quote that opens the scalar: the last unpaired one before the place.
    for (std::uint32_t number = where_.line; number > 0; --number) {
      static const std::regex opener("^\\s*(?:- )*(?:[A-Za-z0-9_-]+: +)?(['\"])");
      const std::string text(line(number).substr(0, most));
      std::smatch match;
      if (!std::regex_search(text, match, opener)) continue;
      const char quote = match[1].str().front();
      if (std::count(text.begin(), text.end(), quote) % 2 == 0) continue;
      diagnostics_.error(
          codes::yaml_syntax, {number, static_cast<std::uint32_t>(match.position(1) + 1)},
          "this quote is never closed",
          std::string("close it with ") + quote +
              (quote == '\'' ? "; a ' inside is written ''" : "; a \" inside is written \\\""));
      return true;
    }
    return false;
  }

  bool open_bracket() {
    if (!says("flow not found") && !says("flow end")) return false;
    diagnostics_.error(codes::yaml_syntax, where_,
                       says("map") ? "a '{' is never closed" : "a '[' is never closed",
                       "close it, or put the text in quotes if the bracket belongs to it");
    return true;
  }

  bool missing_blank() {
    static const std::regex no_blank_after_dash("^(\\s*)-([A-Za-z]+: .*|[A-Za-z]+:)$");
    static const std::regex no_blank_after_colon(
        "^(\\s*(?:- "
        ")?)(name|action|steps|phases|inputs|commands|path|source|destination|value|type|"
        "schemaVersion|description|onFailure|timeoutSeconds|maxAttempts):([^ ].*)$");
    for (std::uint32_t number = where_.line; number + 2 > where_.line && number > 0; --number) {
      const std::string text(line(number).substr(0, most));
      std::smatch match;
      if (std::regex_match(text, match, no_blank_after_dash)) {
        diagnostics_.error(codes::yaml_syntax,
                           {number, static_cast<std::uint32_t>(match[1].length() + 1)},
                           "a blank is missing after the '-'", "write '- " + match[2].str() + "'");
        return true;
      }
      if (std::regex_match(text, match, no_blank_after_colon)) {
        diagnostics_.error(
            codes::yaml_syntax,
            {number, static_cast<std::uint32_t>(match[1].length() + match[2].length() + 1)},
            "a blank is missing after the ':'",
            "write '" + match[2].str() + ": " + match[3].str() + "'");
        return true;
      }
    }
    return false;
  }

  bool unquoted_colon() {
    if (!says("illegal map value") && !says("not allowed in this context")) return false;
    const std::string text(line(where_.line).substr(0, most));
    const std::size_t begin = text.find_first_not_of(" -");
    if (begin == std::string::npos) return false;
    static const std::regex key("^[A-Za-z0-9_-]+: +");
    std::smatch match;
    std::string content = text.substr(begin);
    std::string prefix;
    if (std::regex_search(content, match, key)) {
      prefix = match[0].str();
      content = content.substr(prefix.size());
    }
    diagnostics_.error(
        codes::yaml_syntax, where_,
        "a ':' stands here where YAML takes none: the text around it is not in quotes",
        "put the text in quotes:\n" + prefix + "'" + replace_all(content, "'", "''") + "'");
    return true;
  }

  bool reserved_character() {
    if (!says("unknown token")) return false;
    const auto text = line(where_.line);
    const std::size_t at = where_.column == 0 ? 0 : where_.column - 1;
    const char c = at < text.size() ? text[at] : ' ';
    diagnostics_.error(codes::yaml_syntax, where_,
                       std::string("a text cannot begin with '") + c + "' in YAML",
                       "put the text in quotes");
    return true;
  }

  bool indentation() {
    if (!says("end of map not found") && !says("end of sequence not found") &&
        !says("block entr") && !says("map key")) {
      return false;
    }
    const std::size_t indent = indent_of(line(where_.line));
    std::string hint = "give it the indentation of the lines it belongs with";
    for (std::uint32_t number = where_.line; number-- > 1;) {
      const auto before = line(number);
      if (trim(before).empty() || trim(before).starts_with('#')) continue;
      hint += ": line " + std::to_string(number) + " has " + std::to_string(indent_of(before)) +
              " blanks, this one " + std::to_string(indent);
      break;
    }
    diagnostics_.error(codes::yaml_syntax, where_,
                       "the indentation of this line fits nothing that is open before it", hint);
    return true;
  }

  const SourceText& source_;
  SourceLocation where_;
  const std::string& message_;
  Diagnostics& diagnostics_;
};

}  // namespace

void explain_syntax_error(const SourceText& source, SourceLocation where,
                          const std::string& message, Diagnostics& diagnostics) {
  SyntaxExplainer(source, where, message, diagnostics).explain();
}

}  // namespace toehold
