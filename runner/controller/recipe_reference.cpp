#include "runner/controller/recipe_reference.hpp"

#include "runner/base/json.hpp"
#include "runner/controller/distribution_spec.hpp"
#include "runner/controller/image_name.hpp"
#include "runner/controller/recipe_tables.hpp"
#include "runner/controller/target_options.hpp"
#include "runner/document/field_schema.hpp"
#include "runner/document/reference_page.hpp"

namespace toehold {

namespace {

constexpr const char* introduction =
    "# Recipes\n\n"
    "A recipe says what an image is made of. It is one YAML or JSON map, in the words of Image "
    "Builder's image recipes; `target`,\n`outputs`, `parameters` and `matrix` are ours. Texts are "
    "taken as they are written: `1.10` and `0777` stay what they\nare. Keys that are not in these "
    "tables are errors. Relative paths start at the recipe's folder, and `~/` is the home\n"
    "folder.\n\n";

constexpr const char* matrix_section =
    "## Matrix\n\n"
    "```yaml\n"
    "name: web-{{ matrix.SUITE }}\n"
    "components: [web.yaml]\n"
    "target: {type: sandbox, base: 'mmdebstrap:{{ matrix.SUITE }}'}\n"
    "matrix: {SUITE: [bookworm, trixie]}\n"
    "```\n\n"
    "Each combination of the values is one build. `{{ matrix.KEY }}` may stand in every text of "
    "the "
    "recipe, keys excepted;\nother text in braces stays as it is. Components do not see the "
    "matrix: "
    "hand a value on as a parameter.\n";

std::string distributions() {
  std::string text =
      "## Distributions\n\n"
      "Where a machine image of AWS goes once it is built, or by `toehold distribute`, one item a "
      "region; see\n[how-to/distribute-an-image.md](../how-to/distribute-an-image.md). The words "
      "are "
      "those of Image Builder's distribution\nconfiguration; those from "
      "`deprecateAfter` on are ours.\n\n" +
      field_table(distribution_fields()) +
      "Placeholders of `name`, `description` and the values "
      "of `amiTags`, written as `{{ name }}`:\n\n| placeholder | meaning |\n| --- | --- |\n";
  for (const Placeholder& one : image_placeholders()) {
    text += std::string("| `") + one.name + "` | " + one.doc + " |\n";
  }
  return text + "\n";
}

std::string markdown() {
  std::string text = introduction + field_table(recipe_fields());
  text +=
      "## Components\n\nAn item of `components` is the path of a document, its `https://` or "
      "`s3://` address, or its ARN; or a map with one of\nthe first three keys.\n\n" +
      field_table(component_fields());
  text +=
      "## Targets\n\n`target: sandbox` is short for `target: {type: sandbox}`. Beside `type` stand "
      "the options of that target.\n\n";
  for (const TargetType& type : target_types()) {
    text += "### " + type.name + "\n\n" + type.doc + "\n\n" + field_table(type.fields, "option");
  }
  text += "## Outputs\n\n`outputs: [rootfs]` is short for `outputs: [{type: rootfs}]`.\n\n" +
          field_table(output_fields());
  return text + distributions() + matrix_section;
}

Value list_of(Value items) {
  return Value::object({{"type", "array"}, {"items", std::move(items)}});
}

Value target_schema() {
  Value::List names, alternatives;
  for (const TargetType& type : target_types()) {
    names.emplace_back(type.name);
    Value map = object_schema(type.fields, References::yes);
    map.find("properties")
        ->set("type", Value::object({{"const", type.name}, {"description", type.doc}}));
    map.set("required", strings({"type"}));
    alternatives.push_back(std::move(map));
  }
  alternatives.insert(alternatives.begin(), Value::object({{"enum", Value(std::move(names))}}));
  alternatives.push_back(text_with_pattern("\\{\\{.*\\}\\}"));
  alternatives.push_back(Value::object({{"type", "null"}}));
  return any_of(std::move(alternatives));
}

Value component_schema() {
  Value map = object_schema(component_fields(), References::yes);
  Value::List one;
  for (const char* key : {"component", "componentArn", "path"}) {
    one.push_back(Value::object({{"required", strings({key})}}));
  }
  map.set("oneOf", Value(std::move(one)));
  return any_of({Value::object({{"type", "string"}}), std::move(map)});
}

Value output_schema() {
  const std::vector<FieldInfo> fields = output_fields();
  return any_of({Value::object({{"enum", strings(fields.front().choices)}}),
                 text_with_pattern("\\{\\{.*\\}\\}"), object_schema(fields, References::yes)});
}

std::string schema_text() {
  Value schema = object_schema(recipe_fields(), References::yes);
  refine(schema, "target", target_schema());
  refine(schema, "components", list_schema(component_schema()));
  refine(schema, "distributions",
         any_of({list_of(object_schema(distribution_fields(), References::yes)),
                 Value::object({{"type", "null"}})}));
  refine(schema, "outputs", any_of({list_of(output_schema()), Value::object({{"type", "null"}})}));
  const Value texts =
      list_schema(Value::object({{"type", strings({"string", "number", "boolean"})}}));
  refine(schema, "matrix",
         Value::object({{"type", strings({"object", "null"})}, {"additionalProperties", texts}}));
  Value whole = Value::object(
      {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Recipe of toehold"}});
  for (auto& member : schema.map()) whole.map().push_back(std::move(member));
  return to_json(whole, 2) + "\n";
}

}  // namespace

std::vector<ReferencePage> recipe_pages() {
  return {{"recipe.md", markdown()}, {"recipe.schema.json", schema_text()}};
}

}  // namespace toehold
