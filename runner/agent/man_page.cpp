#include "runner/agent/man_page.hpp"

#include <CLI/CLI.hpp>

#include "runner/agent/environment_table.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/exit_code.hpp"

namespace toehold {

namespace {

/// Text that roff takes as it is: no escapes, no requests, no hyphens that are minus signs.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) {
      result += std::string("\\&") + c;
    } else {
      result += c;
    }
  }
  return result;
}

/// "{auto,keep}" of "TEXT:{auto,keep}", "INT" of "INT:INT in [0 - 256]".
std::string value_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t colon = type.find(':');
  if (type.empty()) return "VALUE";
  if (colon == std::string::npos) return type;
  return type.compare(colon + 1, 1, "{") == 0 ? type.substr(colon + 1) : type.substr(0, colon);
}

/// "-o, --output TEXT"
std::string names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  std::string text = names.empty() ? option.get_name() : join(names, ", ");
  if (!names.empty() && option.get_items_expected_max() > 0) {
    text += " " + value_of(option);
  }
  return text;
}

std::string paragraph(const std::string& term, const std::string& text) {
  return ".TP\n\\fB" + plain(term) + "\\fR\n" + plain(text) + "\n";
}

std::string synopsis_of(const CLI::App& command) {
  std::string text = "[options]";
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional() || option->get_group().empty()) continue;
    const std::string name = option->get_name() + (option->get_expected_max() > 1 ? "..." : "");
    text += option->get_required() ? " " + name : " [" + name + "]";
  }
  return text;
}

std::string section_of(const CLI::App& command, const std::string& path) {
  std::string text = ".SS " + plain(path + " " + synopsis_of(command)) + "\n" +
                     plain(command.get_description()) + "\n";
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty() || option->check_lname("help")) continue;
    std::string doc = option->get_description();
    if (!option->get_default_str().empty()) doc += " (default: " + option->get_default_str() + ")";
    text += paragraph(names_of(*option), doc);
  }
  if (!command.get_footer().empty()) text += ".PP\n" + plain(command.get_footer()) + "\n";
  for (const CLI::App* sub : command.get_subcommands(nullptr)) {
    if (!sub->get_group().empty()) text += section_of(*sub, path + " " + sub->get_name());
  }
  return text;
}

}  // namespace

std::string man_page(const CLI::App& app, const std::string& version) {
  const std::string name = app.get_name();
  std::string summary = app.get_description();
  while (summary.ends_with('.')) summary.pop_back();
  std::string text =
      ".TH " + plain(name) + " 1 \"\" \"" + plain(name + " " + version) + "\" \"toehold\"\n";
  text += ".SH NAME\n" + plain(name) + " \\- " + plain(summary) + "\n";
  text += ".SH SYNOPSIS\n\\fB" + plain(name) + "\\fR COMMAND [options] [arguments]\n";
  text += ".SH COMMANDS\n";
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    if (!sub->get_group().empty()) text += section_of(*sub, sub->get_name());
  }
  text += ".SH EXIT STATUS\n";
  for (const ExitCodeInfo& info : exit_code_table) {
    text += paragraph(std::to_string(static_cast<int>(info.code)), info.meaning);
  }
  text += ".SH ENVIRONMENT\n";
  for (const EnvironmentInfo& info : environment_table) {
    if (info.for_agent || name == "toehold") text += paragraph(info.names, info.meaning);
  }
  return text;
}

}  // namespace toehold
