#include "runner/agent/reference.hpp"

#include "runner/agent/environment_table.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/json_schema.hpp"
#include "runner/document/reference_page.hpp"
#include "runner/engine/event.hpp"
#include "runner/engine/exit_code.hpp"
#include "runner/engine/run_request.hpp"

namespace toehold {

namespace {

std::string cell(const std::string& text) {
  return replace_all(replace_all(text, "|", "\\|"), "\n", " ");
}

std::string field_rows(const std::vector<FieldInfo>& fields, const std::string& prefix = {}) {
  std::string text;
  for (const FieldInfo& field : fields) {
    text += "| `" + prefix + field.name + "` | " + type_text(field) + " | " +
            (field.required ? "yes" : "") + " | " + cell(field.default_text) + " | " +
            cell(field.doc) + " |\n";
    text += field_rows(field.fields, prefix + field.name + "[].");
  }
  return text;
}

std::string events_page() {
  std::string text =
      "# Events\n\n"
      "`toehold events` prints one JSON object per line. Every record has `seq` (counts up over "
      "the "
      "whole run,\nreboots included), `time` (UTC) and `type`. Later versions may add fields and "
      "types; none is taken away.\n\n"
      "Ids: a document's id is its number on the command line (`0`); a step's id is\n"
      "`<document>/<phase>/<step>`; a nested document's id is the calling step's id, `#<turn>` in "
      "a "
      "loop, and `>0`.\n";
  for (const EventInfo& event : event_table()) {
    text += "\n## " + event.type + "\n\n" + event.doc + "\n\n";
    text += "| field | kind | meaning |\n| --- | --- | --- |\n";
    for (const FieldInfo& field : event.fields) {
      text +=
          "| `" + field.name + "` | " + type_name(field.type) + " | " + cell(field.doc) + " |\n";
    }
  }
  return text;
}

std::string diagnostics_page() {
  std::string text =
      "# Diagnostics\n\n"
      "What `toehold validate` may say of a document. Every finding has a code, so that it can be "
      "looked up here and\nfiltered by machines (`--format json`, `--format github`).\n\n"
      "| code | meaning |\n| --- | --- |\n";
  for (const DiagnosticCode& code : all_diagnostic_codes()) {
    text += std::string("| `") + code.name + "` | " + cell(code.summary) + " |\n";
  }
  return text;
}

std::string exit_codes_page() {
  std::string text =
      "# Exit codes\n\n"
      "The codes 0, 1 and 194 are those of awstoe; the others tell apart what it lumps "
      "together.\n\n"
      "| code | meaning |\n| --- | --- |\n";
  for (const ExitCodeInfo& row : exit_code_table) {
    text += "| " + std::to_string(static_cast<int>(row.code)) + " | " + row.meaning + " |\n";
  }
  return text;
}

std::string config_page() {
  return "# The configuration file\n\n"
         "`run --config FILE` takes its documents and options from a JSON object. What the command "
         "line says wins,\nbut documents and parameters can stand in only one of the two "
         "places.\n\n"
         "| key | kind | required | default | meaning |\n| --- | --- | --- | --- | --- |\n" +
         field_rows(run_config_fields());
}

std::string command_line_page(const std::string& help) {
  std::string text =
      "# Command line\n\n"
      "This is `toehold`. The commands from `run` on are those of `toehold-agent`, too; it has "
      "further ones, with which the\ncontroller drives it ([architecture](../architecture.md)). "
      "They differ in what they print: the agent is a drop-in for\nawstoe and puts a JSON object "
      "on stdout; toehold shows its view to people first and prints the object when stdout\nis "
      "not a terminal.\n\n"
      "```text\n" +
      help +
      "```\n\n"
      "## Environment\n\n"
      "| variable | meaning |\n| --- | --- |\n";
  for (const EnvironmentInfo& info : environment_table) {
    text += "| `" + replace_all(info.names, ", ", "`, `") + "` | " + info.meaning + " |\n";
  }
  return text;
}

}  // namespace

std::vector<ReferencePage> reference_pages(const ActionCatalogue& actions,
                                           const std::string& command_line_help) {
  return {{"actions.md", reference_markdown(actions)},
          {"document.schema.json", json_schema_text(actions)},
          {"events.md", events_page()},
          {"diagnostics.md", diagnostics_page()},
          {"exit-codes.md", exit_codes_page()},
          {"config.md", config_page()},
          {"cli.md", command_line_page(command_line_help)}};
}

}  // namespace toehold
