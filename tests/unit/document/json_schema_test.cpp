#include "runner/document/json_schema.hpp"

#include <set>

#include "runner/base/json.hpp"
#include "runner/document/condition.hpp"
#include "runner/document/reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_catalogue.hpp"

using namespace toehold;

namespace {

const Value& at(const Value& value, std::initializer_list<const char*> path) {
  const Value* found = &value;
  for (const char* key : path) {
    INFO(key);
    found = found->find(key);
    REQUIRE(found);
  }
  return *found;
}

/// Every `$ref` below `value`.
void collect_references(const Value& value, std::set<std::string>& references) {
  if (const Value* reference = value.find("$ref")) references.insert(reference->text());
  for (const Value& item : value.list()) collect_references(item, references);
  for (const auto& member : value.map()) collect_references(member.value, references);
}

}  // namespace

TEST_CASE("the schema's text is JSON of draft-07") {
  const FakeCatalogue actions;
  const std::string text = json_schema_text(actions);
  const Value schema = parse_json(text);
  CHECK(at(schema, {"$schema"}).text() == "http://json-schema.org/draft-07/schema#");
  CHECK(schema == json_schema(actions));
  CHECK(text.ends_with("}\n"));
}

TEST_CASE("all references of the schema lead to a definition") {
  const FakeCatalogue actions;
  const Value schema = json_schema(actions);
  std::set<std::string> references;
  collect_references(schema, references);
  CHECK(references.size() > 7);
  for (const std::string& reference : references) {
    INFO(reference);
    REQUIRE(reference.starts_with("#/definitions/"));
    const std::string name = reference.substr(14);
    const Value& definitions = at(schema, {"definitions"});
    if (name.starts_with("inputs/")) {
      CHECK(at(definitions, {"inputs"}).find(name.substr(7)));
    } else {
      CHECK(definitions.find(name));
    }
  }
}

TEST_CASE("the schema has every key of the tables, with its description") {
  const FakeCatalogue actions;
  const Value schema = json_schema(actions);
  const auto check = [](const Value& object, const std::vector<FieldInfo>& fields) {
    CHECK(at(object, {"properties"}).map().size() == fields.size());
    CHECK(at(object, {"additionalProperties"}).as_bool() == false);
    for (const FieldInfo& field : fields) {
      const Value& property = at(object, {"properties", field.name.c_str()});
      CHECK_THAT(at(property, {"description"}).text(), StartsWith(field.doc));
    }
  };
  check(schema, document_fields());
  check(at(schema, {"definitions", "phase"}), phase_fields());
  check(at(schema, {"definitions", "step"}), step_fields());
  check(at(schema, {"definitions", "parameter"}), parameter_fields());
  check(at(schema, {"definitions", "constant"}), constant_fields());
  check(at(schema, {"definitions", "loop"}), loop_fields());
  const Value& operators = at(schema, {"definitions", "condition", "else", "properties"});
  for (const OperatorInfo& info : operator_table()) {
    CHECK(at(operators, {info.key, "description"}).text() == info.doc);
  }
}

TEST_CASE("the inputs of a step follow from its action") {
  const FakeCatalogue actions;
  const Value schema = json_schema(actions);
  const Value& step = at(schema, {"definitions", "step"});
  const auto& names = at(step, {"properties", "action", "enum"}).list();
  const auto& rules = at(step, {"allOf"}).list();
  REQUIRE(names.size() == actions.all_infos().size());
  REQUIRE(rules.size() == names.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const ActionInfo& action = *actions.all_infos()[i];
    CHECK(names[i].text() == action.name);
    CHECK(at(rules[i], {"if", "properties", "action", "const"}).text() == action.name);
    CHECK(at(rules[i], {"then", "properties", "inputs", "$ref"}).text() ==
          "#/definitions/inputs/" + action.name);
    CHECK((rules[i].find("then")->find("required") != nullptr) == action.inputs_required);
  }
  const Value& download = at(schema, {"definitions", "inputs", "WebDownload"});
  CHECK(at(download, {"then", "minItems"}).as_int() == 1);
  CHECK(at(download, {"else", "required"}).list().size() == 2);
  CHECK(at(schema, {"definitions", "inputs", "ExecuteBash", "then", "maxItems"}).as_int() == 1);
  CHECK_FALSE(at(schema, {"definitions", "inputs", "Reboot", "then"}).find("minItems"));
}
