#include "runner/document/reader.hpp"

namespace toehold {

namespace {

/// Only so that no sum with a clock overflows; 68 years.
constexpr std::int64_t longest = 2'147'483'647;

FieldInfo field(std::string name, FieldType type, bool required, std::string doc,
                std::string default_text = {}) {
  FieldInfo info;
  info.name = std::move(name);
  info.type = type;
  info.required = required;
  info.doc = std::move(doc);
  info.default_text = std::move(default_text);
  return info;
}

FieldInfo with_choices(FieldInfo info, std::vector<std::string> choices) {
  info.choices = std::move(choices);
  return info;
}

FieldInfo in_range(FieldInfo info, std::int64_t minimum, std::int64_t maximum) {
  info.minimum = minimum;
  info.maximum = maximum;
  return info;
}

}  // namespace

std::vector<FieldInfo> document_fields() {
  return {
      field("name", FieldType::text, false, "What the document is called in logs and results."),
      field("description", FieldType::text, false, "What the document does, for people."),
      field("schemaVersion", FieldType::any, true, "The version of the language: 1.0."),
      field("parameters", FieldType::any, false,
            "A list of values that may be given when the document is run, each a map of one name "
            "and its keys."),
      field("constants", FieldType::any, false,
            "A list of values that never change, each a map of one name and its keys."),
      field("phases", FieldType::any, true,
            "A list of phases. They run in this order; at least one of build, validate and test "
            "should be there."),
  };
}

std::vector<FieldInfo> phase_fields() {
  return {
      field("name", FieldType::text, true,
            "Unique in the document: build, validate, test, container-host-test or another."),
      field("steps", FieldType::any, true, "A list of steps, run one after the other."),
  };
}

std::vector<FieldInfo> step_fields() {
  return {
      field("name", FieldType::text, true, "Unique in its phase; references name the step by it."),
      field("action", FieldType::text, true, "What the step does: the name of an action."),
      field("inputs", FieldType::any, false,
            "What the action works on: a map, or for most file actions a list of maps."),
      in_range(field("timeoutSeconds", FieldType::integer, false,
                     "How long one attempt may take, all iterations of a loop together; -1 for "
                     "no limit.",
                     "7200"),
               -1, longest),
      with_choices(field("onFailure", FieldType::text, false,
                         "What a failure means. Abort: nothing more runs. Continue: the next "
                         "steps run and the run fails at its end. Ignore: as if it had succeeded.",
                         "Abort"),
                   {"Abort", "Continue", "Ignore"}),
      in_range(field("maxAttempts", FieldType::integer, false,
                     "How often the step is tried in all.", "1"),
               1, longest),
      field("loop", FieldType::any, false, "Repeats the step's action for each of its values."),
      field("if", FieldType::any, false, "An operator that decides whether the step runs."),
      field("disableLogging", FieldType::boolean, false,
            "Keeps what the step prints out of the logs.", "false"),
  };
}

std::vector<FieldInfo> parameter_fields() {
  return {
      with_choices(field("type", FieldType::text, true, "The kind of value."), {"string"}),
      field("default", FieldType::text, false, "The value where none is given.", "the empty text"),
      field("description", FieldType::text, false, "What the value is for."),
      field("allowedValues", FieldType::text_list, false, "The only values that are taken.",
            "any value"),
  };
}

std::vector<FieldInfo> constant_fields() {
  return {
      with_choices(field("type", FieldType::text, true, "The kind of value."), {"string"}),
      field("value", FieldType::text, true, "The value, just as it is written."),
  };
}

std::vector<FieldInfo> loop_fields() {
  FieldInfo range =
      field("for", FieldType::record, false, "Counts: one iteration for each number.");
  const auto number = [](const char* name, const char* doc) {
    return field(name, FieldType::integer, true, doc);
  };
  range.fields = {
      number("start", "The first number."),
      number("end", "The last number, which is part of the loop."),
      number("updateBy", "What is added each time; not 0, and negative to count down."),
  };
  return {
      field("name", FieldType::text, false,
            "Unique in the phase. References may say it in place of 'loop'."),
      std::move(range),
      field("forEach", FieldType::any, false,
            "One iteration for each item: a list of texts, or a map with 'list' (one text) and "
            "'delimiter' (one character that separates its items)."),
  };
}

std::vector<FieldInfo> for_each_fields() {
  return {
      field("list", FieldType::text, true, "One text that holds all items."),
      field("delimiter", FieldType::text, false,
            "What separates the items: one of . , ; : - _ or a newline, tab or blank.", ","),
  };
}

}  // namespace toehold
