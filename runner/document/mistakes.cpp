#include "runner/document/mistakes.hpp"

#include <algorithm>

#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

namespace {

std::size_t indent_of(std::string_view line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at == std::string_view::npos ? line.size() : at;
}

/// As a single-quoted YAML scalar.
std::string in_quotes(std::string_view text) {
  return "'" + replace_all(text, "'", "''") + "'";
}

class MistakeFinder {
 public:
  MistakeFinder(const SourceText& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  void document(const Value& root) {
    for (const auto& member : root.map()) {
      if (member.key != "phases") continue;
      if (member.value.is_map()) named_map(member, "phases");
      for (const Value& phase : member.value.list()) this->phase(phase);
    }
  }

 private:
  void phase(const Value& phase) {
    for (const auto& member : phase.map()) {
      if (member.key != "steps") continue;
      if (member.value.is_map()) named_map(member, "steps");
      split_steps(member.value);
      for (const Value& step : member.value.list()) this->step(step);
    }
  }

  /// `phases: {build: ...}` where a list of things with names belongs.
  void named_map(const Value::Member& member, const std::string& what) {
    const auto& map = member.value.map();
    const bool one_thing = member.value.find("name") != nullptr;
    std::string hint;
    if (one_thing) {
      hint = "put '- ' before its first key to make it a list of one:\n" + what +
             ":\n  - name: " + member.value.find("name")->text();
    } else if (!map.empty()) {
      hint = "give every one a '- name:' of its own:\n" + what + ":\n  - name: " + map.front().key +
             "\n    " + (what == "phases" ? "steps:" : "action: ...");
    }
    diagnostics_.error(codes::list_expected, member.value.where,
                       "'" + what + "' takes a list, and this is a map", hint);
    diagnostics_.explained(member.value.where);
    diagnostics_.explained(member.where);
  }

  /// `- name: x` followed by `- action: y`: one step that became several.
  void split_steps(const Value& steps) {
    const auto& list = steps.list();
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].is_map() || !list[i].find("name") || list[i].find("action")) continue;
      std::size_t end = i + 1;
      while (end < list.size() && list[end].is_map() && !list[end].map().empty() &&
             !list[end].find("name")) {
        ++end;
      }
      const bool has_action =
          std::any_of(list.begin() + static_cast<std::ptrdiff_t>(i),
                      list.begin() + static_cast<std::ptrdiff_t>(end),
                      [](const Value& item) { return item.find("action") != nullptr; });
      if (end == i + 1 || !has_action) continue;
      diagnostics_.error(
          codes::split_step, list[i + 1].where,
          "the '-' begins a new step here, so step '" + list[i].find("name")->text() +
              "' in line " + std::to_string(list[i].where.line) + " has no action",
          "write '  " + list[i + 1].map().front().key + ":' without the '-', below 'name:'");
      for (std::size_t part = i; part < end; ++part) {
        diagnostics_.explained(list[part].where);
        for (const auto& member : list[part].map()) {
          diagnostics_.explained(member.where);
          diagnostics_.explained(member.value.where);
        }
      }
      i = end - 1;
    }
  }

  void step(const Value& step) {
    const Value* action = step.find("action");
    const Value* inputs = step.find("inputs");
    if (!action || !inputs) return;
    if (action->text() != "ExecuteBash" && action->text() != "ExecutePowerShell") return;
    const Value& map =
        inputs->is_list() && inputs->list().size() == 1 ? inputs->list()[0] : *inputs;
    const Value* commands = map.find("commands");
    if (!commands) return;
    if (commands->is_scalar() && !commands->is_null()) commands_text(*commands);
    if (commands->is_map()) commands_map(*commands);
    for (const Value& command : commands->list()) {
      if (command.is_map()) command_map(command);
      if (command.is_list()) nested_list(command);
      if (!command.is_scalar()) continue;
      if (action->text() == "ExecuteBash") check_here_documents(command, source_, diagnostics_);
      if (command.style == Value::Style::folded) folded_comment(command);
    }
  }

  void commands_text(const Value& commands) {
    const bool block =
        commands.style == Value::Style::literal || commands.style == Value::Style::folded;
    diagnostics_.error(
        codes::list_expected, commands.where, "'commands' takes a list, and this is one text",
        block
            ? "make it the only entry of a list:\ncommands:\n  - |\n    (the script, "
              "indented below the '|')"
            : "put it in the next line with '- ' before it:\ncommands:\n  - " +
                  std::string(source_.line(commands.where.line)).substr(commands.where.column - 1));
    diagnostics_.explained(commands.where);
  }

  void commands_map(const Value& commands) {
    diagnostics_.error(codes::list_expected, commands.where,
                       "'commands' takes a list, and this is a map",
                       "put '- ' before every command; a command with ': ' in it goes in quotes");
    diagnostics_.explained(commands.where);
  }

  void command_map(const Value& command) {
    const auto line = source_.line(command.where.line);
    const std::size_t column = command.where.column == 0 ? 0 : command.where.column - 1;
    const std::string text(trim(line.substr(std::min(column, line.size()))));
    const bool reference = text.starts_with("{{");
    diagnostics_.error(
        codes::command_is_map, command.where,
        reference ? "a command that begins with '{' is a map to YAML"
                  : "': ' or a ':' at the end makes YAML read this command as a map",
        "put the command in quotes:\n- " + in_quotes(text) + "\nor write it below '- |'");
    diagnostics_.explained(command.where);
  }

  void nested_list(const Value& command) {
    diagnostics_.error(codes::list_expected, command.where,
                       "this command is a list within the list",
                       "write one '- ' before a command; a command that begins with '[' or '- ' "
                       "goes in quotes or below '- |'");
    diagnostics_.explained(command.where);
  }

  /// In a folded scalar lines of one indentation become one line: a comment takes in the next ones.
  void folded_comment(const Value& command) {
    const std::uint32_t header = command.where.line;
    std::size_t block = 0;
    for (std::uint32_t number = header + 1; number < source_.line_count(); ++number) {
      const auto line = source_.line(number);
      if (trim(line).empty()) continue;
      if (block == 0) block = indent_of(line);
      if (indent_of(line) < block) return;
      const auto next = source_.line(number + 1);
      const bool joined =
          indent_of(line) == block && !trim(next).empty() && indent_of(next) == block;
      const std::size_t hash = line.find('#', indent_of(line));
      const bool comment = hash != std::string_view::npos &&
                           (hash == indent_of(line) || line[hash - 1] == ' ') &&
                           !line.substr(0, hash).ends_with("$ ");
      if (!joined || !comment) continue;
      diagnostics_.warning(
          codes::folded_comment, {number, static_cast<std::uint32_t>(hash + 1)},
          "'>' joins these lines into one, so the shell takes what follows this '#' as comment",
          "write '|' instead of '>' in line " + std::to_string(header));
      return;
    }
  }

  const SourceText& source_;
  Diagnostics& diagnostics_;
};

struct HereDocument {
  std::string word;
  bool strips_tabs = false;
  std::size_t line = 0;  // in the script, from 0
};

bool is_word(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<HereDocument> opens_here_document(std::string_view line, std::size_t number) {
  const std::size_t comment = line.find_first_not_of(" \t");
  if (comment != std::string_view::npos && line[comment] == '#') return std::nullopt;
  for (std::size_t at = line.find("<<"); at != std::string_view::npos;
       at = line.find("<<", at + 2)) {
    if (line.substr(at, 3) == "<<<" || line.substr(0, at).find("((") != std::string_view::npos) {
      ++at;
      continue;
    }
    HereDocument found;
    found.line = number;
    std::size_t word = at + 2;
    if (word < line.size() && line[word] == '-') {
      found.strips_tabs = true;
      ++word;
    }
    while (word < line.size() && (line[word] == ' ' || line[word] == '\t')) ++word;
    while (word < line.size() && (line[word] == '\'' || line[word] == '"' || line[word] == '\\'))
      ++word;
    std::size_t end = word;
    while (end < line.size() && is_word(line[end])) ++end;
    found.word = line.substr(word, end - word);
    if (!found.word.empty() && !(found.word[0] >= '0' && found.word[0] <= '9')) return found;
  }
  return std::nullopt;
}

}  // namespace

void diagnose_mistakes(const Value& root, const SourceText& source, Diagnostics& diagnostics) {
  MistakeFinder(source, diagnostics).document(root);
}

void check_here_documents(const Value& scalar, const SourceText& source, Diagnostics& diagnostics) {
  const bool block = scalar.style == Value::Style::literal;
  if (!block || scalar.text().find("<<") == std::string::npos) return;
  const std::vector<std::string> lines = split(scalar.text(), '\n');
  int searches = 100;  // each may go through all lines; a real script needs a few
  for (std::size_t i = 0; i < lines.size() && searches > 0; ++i) {
    const auto here = opens_here_document(lines[i], i);
    if (!here) continue;
    std::size_t indented = 0;
    std::size_t end = i + 1;
    for (; end < lines.size(); ++end) {
      std::string_view line = lines[end];
      while (here->strips_tabs && line.starts_with('\t')) line.remove_prefix(1);
      if (line == here->word) break;
      if (indented == 0 && trim(line) == here->word) indented = end;
    }
    if (end < lines.size()) {
      i = end;
      continue;
    }
    if (indented == 0) {
      --searches;
      continue;
    }
    const auto number = scalar.where.line + 1 + static_cast<std::uint32_t>(indented);
    const auto line = source.line(number);
    diagnostics.error(
        codes::heredoc_indent,
        {number, static_cast<std::uint32_t>(line.find(here->word) == std::string_view::npos
                                                ? 1
                                                : line.find(here->word) + 1)},
        "the here-document of line " + std::to_string(scalar.where.line + 1 + here->line) +
            " does not end here, because blanks stand before '" + here->word + "'",
        "begin the line with '" + here->word +
            "' at the indentation of the block's first line; with '<<-' only tabs may precede it");
    return;
  }
}

}  // namespace toehold
