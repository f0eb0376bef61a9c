#include "runner/document/reference_page.hpp"

#include <span>

#include "runner/base/text.hpp"
#include "runner/document/condition.hpp"
#include "runner/document/reader.hpp"
#include "runner/document/template.hpp"

namespace toehold {

namespace {

std::string cell(const std::string& text) {
  return replace_all(replace_all(text, "|", "\\|"), "\n", " ");
}

std::string type_cell(const FieldInfo& field) {
  if (field.choices.empty()) return type_text(field);
  std::string text;
  for (const std::string& choice : field.choices) {
    text += (text.empty() ? "`" : ", `") + choice + "`";
  }
  return field.type == FieldType::text_list ? "a list of " + text : text;
}

/// The rows of a table, those of a field's own fields below it.
std::string rows(std::span<const FieldInfo> fields, const std::string& prefix = {}) {
  std::string text;
  for (const FieldInfo& field : fields) {
    text += "| `" + prefix + field.name + "` | " + cell(type_cell(field)) + " | " +
            (field.required ? "yes" : "") + " | " + cell(field.default_text) + " | " +
            cell(field.doc) + " |\n";
    const char* below = field.type == FieldType::record_list ? "[]." : ".";
    text += rows(field.fields, prefix + field.name + below);
  }
  return text;
}

}  // namespace

std::string field_table(std::span<const FieldInfo> fields, const char* first_column) {
  return "| " + std::string(first_column) +
         " | type | required | default | meaning |\n| --- | --- | --- | --- | --- |\n" +
         rows(fields) + "\n";
}

namespace {

std::string section(const std::string& heading, const std::string& introduction) {
  return "## " + heading + "\n\n" + introduction + "\n\n";
}

std::string grammar() {
  std::string text = section(
      "Document",
      "A document is one YAML or JSON map. Texts are taken as they are written: `1.10` and `0777` "
      "stay what they are.\nKeys that are not in these tables are errors.");
  text += field_table(document_fields());
  text += section("Parameters",
                  "Each item of `parameters` is a map of one name. A name has 3 to 128 letters, "
                  "digits, `_` and `-`, and is unique\namong parameters and constants.");
  text += field_table(parameter_fields());
  text +=
      section("Constants", "Each item of `constants` is a map of one name, as with parameters.");
  text += field_table(constant_fields());
  text += section("Phase", "Phases run in the order of the document.");
  text += field_table(phase_fields());
  text += section("Step", "Steps run one after the other.");
  text += field_table(step_fields());
  text += section("Loop",
                  "A loop has `for` or `forEach`. Its form takes no references; the items of "
                  "`forEach` do. A failed iteration ends the\nattempt, and the next attempt starts "
                  "again from the first.");
  text += field_table(loop_fields());
  text += "`forEach` as a map:\n\n" + field_table(for_each_fields());
  return text;
}

std::string conditions() {
  std::string text = section(
      "Conditions",
      "`if` of a step and `inputs` of the action Assert take one operator. Beside it stands its "
      "second value, where it has\none. `if` may have `then` and `else`, each `Execute`, `Skip` or "
      "`Abort`: what happens where the operator holds\n(`Execute` where nothing is written), and "
      "where it does not (`Skip`).\n\n"
      "Texts and patterns are compared without regard to case. Numbers are compared exactly, and a "
      "text that is no number\nmakes the comparison false.");
  text += "| operator | second value | holds when |\n| --- | --- | --- |\n";
  for (const OperatorInfo& info : operator_table()) {
    text += "| `" + std::string(info.key) + "` | " +
            (info.other_key ? "`" + std::string(info.other_key) + "`" : std::string()) + " | " +
            cell(info.doc) + " |\n";
  }
  return text + "\n";
}

std::string references() {
  std::string text = section(
      "References",
      "`{{ … }}` on one line stands for a value, in the inputs of steps, in the items of `forEach` "
      "and in the values of\nconditions. What it becomes is not looked at again for references. "
      "There is no escape: braces for other programs\nneed `--allow-foreign-references`.");
  text +=
      "| reference | value |\n| --- | --- |\n"
      "| `{{ Name }}` | a parameter or constant |\n"
      "| `{{ phase.step.inputs.key }}` | an input of an earlier step |\n"
      "| `{{ phase.step.inputs[0].key }}` | the same where the inputs are a list |\n"
      "| `{{ phase.step.outputs.key }}` | an output of an earlier step |\n"
      "| `{{ phase.step.outputs[0].key }}` | the same of one item of its inputs |\n"
      "| `{{ loop.index }}`, `{{ loop.value }}` | the running iteration of the step's loop |\n"
      "| `{{ LoopName.index }}`, `{{ LoopName.value }}` | the same by the loop's name |\n"
      "| `{{ env:VARIABLE }}` | an environment variable of this program |\n"
      "| `{{ aws:ssm:/name }}` | a parameter of AWS Systems Manager |\n"
      "| `{{ aws:ssm:resolve(Name) }}` | the same, where a parameter of the document holds its "
      "name "
      "|\n"
      "| `{{ aws:imds:path }}` | instance metadata, except what lies below `iam/` and "
      "`identity-credentials/` |\n"
      "| `{{ context:key }}` | a fact of the run, below |\n\n"
      "| context key | value |\n| --- | --- |\n";
  for (const ContextKey& key : context_keys()) {
    text += "| `" + std::string(key.name) + "` | " + cell(key.doc) + " |\n";
  }
  return text + "\n";
}

std::string platforms(unsigned platforms) {
  std::vector<std::string> names;
  if (platforms & linux_only) names.emplace_back("Linux");
  if (platforms & macos_only) names.emplace_back("macOS");
  if (platforms & windows_only) names.emplace_back("Windows");
  return join(names, ", ");
}

const char* shape_sentence(const ActionInfo& action) {
  switch (action.shape) {
    case InputShape::single:
      return "one map";
    case InputShape::each_item:
      return "a list of maps, done in order; one map is taken as well";
    case InputShape::condition:
      return "one operator, see Conditions";
  }
  return "";
}

}  // namespace

std::string action_markdown(const ActionInfo& action) {
  std::string text = "### " + action.name + "\n\n" + action.summary + "\n\n";
  text += "- Platforms: " + platforms(action.platforms) + "\n";
  text += "- Inputs: " + std::string(shape_sentence(action)) +
          (action.inputs_required ? "" : "; may be left out") + "\n";
  text += std::string("- After a crash in the middle: ") +
          (action.repeatable ? "is done again" : "counts as failed, because it may be half done") +
          "\n";
  if (!action.takes_timeout) text += "- `timeoutSeconds` can only be -1.\n";
  if (!action.takes_attempts) text += "- `maxAttempts` can only be 1.\n";
  text += "\n";
  if (!action.inputs.empty()) text += field_table(action.inputs, "input");
  if (!action.outputs.empty()) {
    text += "| output | meaning |\n| --- | --- |\n";
    for (const OutputInfo& output : action.outputs) {
      text += "| `" + output.name + "` | " + cell(output.doc) + " |\n";
    }
    text += "\n";
  }
  if (!action.example.empty()) {
    text += "```yaml\n" + action.example + (action.example.ends_with('\n') ? "" : "\n") + "```\n\n";
  }
  return text;
}

std::string reference_markdown(const ActionCatalogue& actions) {
  std::string text = "# Document language and actions\n\n" + grammar() + conditions() +
                     references() + "## Actions\n\n";
  const auto infos = actions.all_infos();
  text += "| action | what it does | platforms |\n| --- | --- | --- |\n";
  for (const ActionInfo* action : infos) {
    text += "| [" + action->name + "](#" + lower(action->name) + ") | " + cell(action->summary) +
            " | " + platforms(action->platforms) + " |\n";
  }
  text += "\n";
  for (const ActionInfo* action : infos) text += action_markdown(*action);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace toehold
