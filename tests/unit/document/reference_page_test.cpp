#include "runner/document/reference_page.hpp"

#include "runner/document/condition.hpp"
#include "runner/document/reader.hpp"
#include "runner/document/template.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_catalogue.hpp"

using namespace toehold;

TEST_CASE("the page names all keys, operators, references and actions") {
  const FakeCatalogue actions;
  const std::string page = reference_markdown(actions);
  const auto names = [&](const std::string& word) {
    CHECK_THAT(page, ContainsSubstring("| `" + word + "` |"));
  };
  for (const auto& table : {document_fields(), phase_fields(), step_fields(), parameter_fields(),
                            constant_fields(), loop_fields(), for_each_fields()}) {
    for (const FieldInfo& field : table) names(field.name);
  }
  for (const OperatorInfo& info : operator_table()) names(info.key);
  for (const ContextKey& key : context_keys()) names(key.name);
  for (const ActionInfo* action : actions.all_infos()) {
    CHECK_THAT(page, ContainsSubstring("\n### " + action->name + "\n\n" + action->summary));
    CHECK_THAT(page, ContainsSubstring("(#"));
  }
  CHECK(page.ends_with("|\n"));
}

TEST_CASE("an action's part tells what its table says") {
  const FakeCatalogue actions;
  const std::string download = action_markdown(*actions.find_info("WebDownload"));
  CHECK_THAT(download, ContainsSubstring("- Inputs: a list of maps"));
  CHECK_THAT(download, ContainsSubstring("- Platforms: Linux, macOS\n"));
  CHECK_THAT(download, ContainsSubstring("is done again"));
  CHECK_THAT(download, ContainsSubstring("| `source` | text | yes |  | The URL. |"));
  CHECK_THAT(download, ContainsSubstring("| `algorithm` | `MD5`, `SHA256` |  |  |"));
  CHECK_THAT(download, ContainsSubstring("| `overwrite` | true or false |  | true |"));
  CHECK_THAT(download, ContainsSubstring("| `destination` | The paths. |"));
  const std::string bash = action_markdown(*actions.find_info("ExecuteBash"));
  CHECK_THAT(bash, ContainsSubstring("counts as failed"));
  CHECK_THAT(bash, ContainsSubstring("```yaml\n- name: Hello\n"));
  const std::string document = action_markdown(*actions.find_info("ExecuteDocument"));
  CHECK_THAT(document, ContainsSubstring("| `parameters[].name` | text | yes |"));
  CHECK_THAT(document, ContainsSubstring("`timeoutSeconds` can only be -1"));
  CHECK_THAT(action_markdown(*actions.find_info("Reboot")), ContainsSubstring("may be left out"));
}
