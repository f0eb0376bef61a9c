#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "runner/agent/commands.hpp"
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
  std::string action;
  std::string format = "markdown";
  std::string write;
};

std::string full_help(const CLI::App& app) {
  std::string help;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    help += command->help("toehold");
    if (!help.ends_with("\n\n")) help += "\n";
  }
  // Lines of the parser end in blanks here and there.
  std::string clean;
  for (const std::string& line : split(help, '\n')) {
    clean += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  while (clean.ends_with("\n\n")) clean.pop_back();
  return clean;
}

void describe(const DescribeOptions& options, const CLI::App& app, const CommandContext& context) {
  if (!options.write.empty()) {
    for (const ReferencePage& page : reference_pages(context.actions, full_help(app))) {
      write_file_atomically(fs::path(options.write) / page.name, page.text, 0644);
      std::printf("%s\n", (fs::path(options.write) / page.name).c_str());
    }
    return;
  }
  if (!options.action.empty()) {
    const ActionInfo* info = context.actions.find_info(options.action);
    if (!info) {
      std::vector<std::string> names;
      for (const ActionInfo* known : context.actions.all_infos()) names.push_back(known->name);
      std::string hint = did_you_mean(options.action, names);
      if (hint.empty()) hint = "the actions are: " + join(names, ", ");
      throw Error(Error::Kind::usage, "there is no action '" + options.action + "'", hint);
    }
    std::fputs(action_markdown(*info).c_str(), stdout);
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
  command->add_option("action", options->action, "Only this action");
  command
      ->add_option("--format", options->format,
                   "markdown to read, json-schema for editors (yaml-language-server)")
      ->check(CLI::IsMember({"markdown", "json-schema"}))
      ->capture_default_str();
  command->add_option("--write", options->write, "Write all reference pages into this folder");
  command->callback([options, &app, &context] { describe(*options, app, context); });
}

}  // namespace toehold
