#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "generated/version.hpp"
#include "runner/agent/commands.hpp"
#include "runner/agent/man_page.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/reference.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/document/json_schema.hpp"
#include "runner/document/reference_page.hpp"

namespace toehold {

namespace {

struct DescribeOptions {
  std::string subject;
  std::string format = "markdown";
  std::string write;
};

/// The help of every command below this one, and of theirs.
std::string help_below(const CLI::App& app, const std::string& path) {
  std::string help;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_group().empty()) continue;  // for ourselves
    help += command->help(path);
    if (!help.ends_with("\n\n")) help += "\n";
    help += help_below(*command, path + " " + command->get_name());
  }
  return help;
}

std::string full_help(const CLI::App& app) {
  const std::string help = help_below(app, "toehold");
  // Lines of the parser end in blanks here and there.
  std::string clean;
  for (const std::string& line : split(help, '\n')) {
    clean += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  while (clean.ends_with("\n\n")) clean.pop_back();
  return clean;
}

std::vector<ReferencePage> all_pages(const CLI::App& app, const CommandContext& context) {
  std::vector<ReferencePage> pages = reference_pages(context.actions, full_help(app));
  if (context.more_pages) {
    for (ReferencePage& page : context.more_pages()) pages.push_back(std::move(page));
  }
  return pages;
}

/// An action, or a page: "recipe" names recipe.md and recipe.schema.json.
std::string text_of(const DescribeOptions& options, const CLI::App& app,
                    const CommandContext& context) {
  if (const ActionInfo* info = context.actions.find_info(options.subject))
    return action_markdown(*info);
  const std::string ending = options.format == "markdown" ? ".md" : ".schema.json";
  std::vector<std::string> pages;
  for (ReferencePage& page : all_pages(app, context)) {
    if (page.name == options.subject + ending) return std::move(page.text);
    if (!page.name.ends_with(ending)) continue;
    pages.push_back(page.name.substr(0, page.name.size() - ending.size()));
  }
  std::vector<std::string> actions;
  for (const ActionInfo* known : context.actions.all_infos()) actions.push_back(known->name);
  std::vector<std::string> names = pages;
  names.insert(names.end(), actions.begin(), actions.end());
  std::string hint = did_you_mean(options.subject, names);
  if (hint.empty()) {
    hint = "the pages are: " + join(pages, ", ") + "; the actions are: " + join(actions, ", ");
  }
  throw Error(Error::Kind::usage, "there is no action and no page '" + options.subject + "'", hint);
}

void describe(const DescribeOptions& options, const CLI::App& app, const CommandContext& context) {
  if (!options.write.empty()) {
    for (const ReferencePage& page : all_pages(app, context)) {
      write_file_atomically(fs::path(options.write) / page.name, page.text, 0644);
      std::printf("%s\n", (fs::path(options.write) / page.name).c_str());
    }
    return;
  }
  if (options.format == "man") {
    std::fputs(man_page(app, TOEHOLD_VERSION).c_str(), stdout);
    return;
  }
  if (!options.subject.empty()) {
    std::fputs(text_of(options, app, context).c_str(), stdout);
    return;
  }
  const std::string text = options.format == "markdown" ? reference_markdown(context.actions)
                                                        : json_schema_text(context.actions);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_describe(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<DescribeOptions>();
  CLI::App* command = app.add_subcommand("describe", "Print the document grammar and all actions");
  command->add_option("action", options->subject,
                      "Only this action, or the page of this name, such as recipe");
  command
      ->add_option("--format", options->format,
                   "markdown to read, json-schema for editors (yaml-language-server), man for the "
                   "manual page of this program")
      ->check(CLI::IsMember({"markdown", "json-schema", "man"}))
      ->capture_default_str();
  command->add_option("--write", options->write, "Write all reference pages into this folder");
  context.words["describe action"] = [&context] {
    std::vector<std::string> names;
    for (const ActionInfo* info : context.actions.all_infos()) names.push_back(info->name);
    return names;
  };
  command->callback([options, &app, &context] { describe(*options, app, context); });
}

}  // namespace toehold
