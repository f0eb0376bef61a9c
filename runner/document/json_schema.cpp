#include "runner/document/json_schema.hpp"

#include "runner/base/json.hpp"
#include "runner/document/condition.hpp"
#include "runner/document/field_schema.hpp"
#include "runner/document/reader.hpp"

namespace toehold {

namespace {

Value reference_to(const std::string& definition) {
  return Value::object({{"$ref", "#/definitions/" + definition}});
}

/// A list of maps with one name each.
Value named_list(const std::string& definition) {
  return Value::object(
      {{"type", strings({"array", "null"})},
       {"items", Value::object({{"type", "object"},
                                {"minProperties", 1},
                                {"maxProperties", 1},
                                {"propertyNames", text_with_pattern("^[A-Za-z0-9_-]{3,128}$")},
                                {"additionalProperties", reference_to(definition)}})}});
}

Value loop_schema() {
  Value schema = object_schema(loop_fields(), References::no);
  Value delimited = object_schema(for_each_fields(), References::no);
  delimited.find("properties")->find("delimiter")->set("maxLength", 1);
  const Value item = Value::object({{"type", strings({"string", "number", "boolean"})}});
  refine(schema, "forEach",
         list_or_one(Value::object({{"type", "array"}, {"items", item}}), std::move(delimited)));
  schema.set("oneOf", Value(Value::List{Value::object({{"required", strings({"for"})}}),
                                        Value::object({{"required", strings({"forEach"})}})}));
  return schema;
}

Value operator_schema(const OperatorInfo& info) {
  Value schema;
  switch (info.op) {
    case Operator::and_:
    case Operator::or_:
      schema = list_schema(reference_to("condition"));
      break;
    case Operator::not_:
      schema = any_of({reference_to("condition")});
      break;
    default:
      schema = Value::object({{"type", strings({"string", "number", "boolean"})}});
  }
  schema.set("description", info.doc);
  return schema;
}

/// One operator with its values; for an `if` also what is decided by it.
Value condition_schema(const std::string& definition, bool decides) {
  Value properties{Value::Map()};
  Value dependencies{Value::Map()};
  Value::List one;
  const auto add = [&](const std::string& key, const OperatorInfo& info) {
    properties.set(key, operator_schema(info));
    if (info.other_key) dependencies.set(key, strings({info.other_key}));
    one.push_back(Value::object({{"required", Value(Value::List{Value(key)})}}));
  };
  for (const OperatorInfo& info : operator_table()) add(info.key, info);
  for (const OperatorInfo& info : operator_table()) {
    const std::string key = info.key;
    if (key.starts_with("stringLess")) add("stringless" + key.substr(10), info);
  }
  const Value scalar = Value::object({{"type", strings({"string", "number", "boolean"})}});
  properties.set("value", scalar);
  properties.set("path", scalar);
  if (decides) {
    const Value decision = Value::object({{"enum", strings({"Abort", "Execute", "Skip"})}});
    properties.set("then", decision);
    properties.set("else", decision);
  }
  Value map = Value::object({{"type", "object"},
                             {"properties", std::move(properties)},
                             {"additionalProperties", false},
                             {"dependencies", std::move(dependencies)},
                             {"oneOf", Value(std::move(one))}});
  Value list = list_schema(reference_to(definition));
  list.set("maxItems", 1);
  return list_or_one(std::move(list), std::move(map));
}

Value inputs_schema(const ActionInfo& action) {
  if (action.shape == InputShape::condition) return reference_to("condition");
  Value item = object_schema(action.inputs, References::yes);
  if (action.inputs_required) item.set("minProperties", 1);
  Value list = Value::object({{"type", "array"}, {"items", item}});
  if (action.inputs_required) list.set("minItems", 1);
  if (action.shape == InputShape::single) list.set("maxItems", 1);
  if (!action.inputs_required) item.set("type", strings({"object", "null"}));
  return list_or_one(std::move(list), std::move(item));
}

Value step_schema(const ActionCatalogue& actions) {
  Value schema = object_schema(step_fields(), References::no);
  Value::List names, summaries, rules;
  for (const ActionInfo* action : actions.all_infos()) {
    names.emplace_back(action->name);
    summaries.emplace_back(action->summary);
    const Value is_action = Value::object(
        {{"properties", Value::object({{"action", Value::object({{"const", action->name}})}})},
         {"required", strings({"action"})}});
    Value then = Value::object(
        {{"properties", Value::object({{"inputs", reference_to("inputs/" + action->name)}})}});
    if (action->inputs_required) then.set("required", strings({"inputs"}));
    rules.push_back(Value::object({{"if", is_action}, {"then", std::move(then)}}));
  }
  refine(schema, "action",
         Value::object({{"enum", Value(std::move(names))},
                        {"enumDescriptions", Value(std::move(summaries))}}));
  refine(schema, "loop", any_of({reference_to("loop"), Value::object({{"type", "null"}})}));
  refine(schema, "if", any_of({reference_to("if"), Value::object({{"type", "null"}})}));
  schema.find("properties")->find("timeoutSeconds")->set("not", Value::object({{"const", 0}}));
  // The table's choices ignore case; here the language does not.
  refine(schema, "onFailure",
         any_of({Value::object({{"enum", strings({"Abort", "Continue", "Ignore"})}}),
                 Value::object({{"type", "null"}})}));
  schema.set("allOf", Value(std::move(rules)));
  return schema;
}

}  // namespace

Value json_schema(const ActionCatalogue& actions) {
  Value schema = object_schema(document_fields(), References::no);
  refine(schema, "schemaVersion",
         Value::object({{"enum", Value(Value::List{Value(1), Value("1.0"), Value("1")})}}));
  refine(schema, "parameters", named_list("parameter"));
  refine(schema, "constants", named_list("constant"));
  refine(schema, "phases", list_schema(reference_to("phase")));
  Value phase = object_schema(phase_fields(), References::no);
  phase.find("properties")
      ->find("name")
      ->set("examples", strings({"build", "validate", "test", "container-host-test"}));
  refine(phase, "steps", list_schema(reference_to("step")));
  Value inputs{Value::Map()};
  for (const ActionInfo* action : actions.all_infos()) {
    inputs.set(action->name, inputs_schema(*action));
  }
  schema.set("definitions",
             Value::object({{"parameter", object_schema(parameter_fields(), References::no)},
                            {"constant", object_schema(constant_fields(), References::no)},
                            {"phase", std::move(phase)},
                            {"step", step_schema(actions)},
                            {"loop", loop_schema()},
                            {"if", condition_schema("if", true)},
                            {"condition", condition_schema("condition", false)},
                            {"inputs", std::move(inputs)}}));
  Value whole = Value::object({{"$schema", "http://json-schema.org/draft-07/schema#"},
                               {"title", "EC2 Image Builder component document"}});
  for (auto& member : schema.map()) whole.map().push_back(std::move(member));
  return whole;
}

std::string json_schema_text(const ActionCatalogue& actions) {
  return to_json(json_schema(actions), 2) + "\n";
}

}  // namespace toehold
