#include "runner/document/reader.hpp"

#include <algorithm>
#include <unordered_map>

#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/loop_reader.hpp"
#include "runner/document/reader_checks.hpp"
#include "runner/document/template.hpp"

namespace toehold {

const char* to_string(OnFailure value) {
  switch (value) {
    case OnFailure::abort:
      return "Abort";
    case OnFailure::continue_:
      return "Continue";
    case OnFailure::ignore:
      return "Ignore";
  }
  return "";
}

namespace {

class DocumentReader {
 public:
  explicit DocumentReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Document read(const Value& root) {
    document_.source = diagnostics_.source();
    if (!root.is_map()) {
      diagnostics_.error(
          codes::wrong_type, root.where,
          std::string("a document is a map with 'schemaVersion' and 'phases', not ") +
              kind_name(root));
      return std::move(document_);
    }
    check(document_fields_, root, "the document");
    document_.name = text_of(root, "name");
    document_.description = text_of(root, "description");
    schema_version(root.find("schemaVersion"));
    each_named(root, "parameters", [&](const Value::Member& member) { parameter(member); });
    each_named(root, "constants", [&](const Value::Member& member) { constant(member); });
    phases(root.find("phases"));
    return std::move(document_);
  }

 private:
  using Places = std::unordered_map<std::string, SourceLocation>;

  bool check(const std::vector<FieldInfo>& fields, const Value& map, const std::string& owner) {
    return check_fields(fields, map, owner, is_deferred, diagnostics_);
  }

  static std::string text_of(const Value& map, const char* key) {
    const Value* value = map.find(key);
    return value && !value->is_null() ? value->text() : std::string();
  }

  static SourceLocation place_of(const Value& map, const char* key) {
    const Value* value = map.find(key);
    return value && value->where.known() ? value->where : map.where;
  }

  /// Reports a name that stands there already.
  void unique(Places& places, const std::string& name, SourceLocation where,
              const std::string& what) {
    const auto [known, added] = places.emplace(name, where);
    if (added) return;
    diagnostics_.error(codes::duplicate_name, where, "there is already " + what + " '" + name + "'",
                       known->second.known()
                           ? "the first is on line " + std::to_string(known->second.line)
                           : std::string());
  }

  void schema_version(const Value* version) {
    if (!version || version->is_null()) return;
    if (version->is_scalar() && (version->text() == "1.0" || version->text() == "1")) return;
    diagnostics_.error(codes::schema_version, version->where,
                       version->is_scalar()
                           ? "schemaVersion '" + version->text() + "' is not known"
                           : std::string("schemaVersion cannot be ") + kind_name(*version),
                       "write schemaVersion: 1.0");
  }

  /// The section as a list of maps with one name each; what is not is reported.
  template <class Take>
  void each_named(const Value& root, const std::string& section, Take take) {
    const Value* list = root.find(section);
    if (!list || list->is_null()) return;
    const std::string shape = "write\n" + section + ":\n  - Name:\n      type: string";
    if (!list->is_list()) {
      diagnostics_.error(codes::wrong_type, list->where,
                         "'" + section + "' takes a list, not " + kind_name(*list), shape);
      return;
    }
    for (const Value& item : list->list()) {
      if (item.is_map() && item.map().size() == 1 && !item.map().front().value.is_scalar()) {
        take(item.map().front());
      } else {
        diagnostics_.error(codes::wrong_type, item.where,
                           "each item of '" + section + "' is one name with its keys below it",
                           shape);
      }
    }
  }

  void value_name(const Value::Member& member, const std::string& what) {
    if (!is_plain_name(member.key) || member.key.size() < 3 || member.key.size() > 128) {
      diagnostics_.error(codes::name_syntax, member.where,
                         "'" + member.key + "' cannot be the name of a " + what,
                         "a name has 3 to 128 letters, digits, '_' and '-'");
    }
    unique(value_names_, member.key, member.where, "a parameter or constant");
  }

  void parameter(const Value::Member& member) {
    value_name(member, "parameter");
    Parameter parameter;
    parameter.name = member.key;
    parameter.where = member.where;
    if (check(parameter_fields_, member.value, "parameter '" + member.key + "'")) {
      parameter.description = text_of(member.value, "description");
      const Value* fallback = member.value.find("default");
      if (fallback && !fallback->is_null()) parameter.default_value = fallback->text();
      if (const Value* allowed = member.value.find("allowedValues")) {
        for (const Value& value : allowed->list()) {
          parameter.allowed_values.push_back(value.text());
        }
      }
      check_default(parameter, fallback);
      if (fallback) warn_of_reference(*fallback, "the default of parameter '" + member.key + "'");
    }
    document_.parameters.push_back(std::move(parameter));
  }

  void check_default(const Parameter& parameter, const Value* fallback) {
    const auto& allowed = parameter.allowed_values;
    if (!parameter.default_value || allowed.empty()) return;
    if (std::find(allowed.begin(), allowed.end(), *parameter.default_value) != allowed.end()) {
      return;
    }
    diagnostics_.error(
        codes::invalid_value, fallback->where,
        "the default of parameter '" + parameter.name + "' is none of its allowedValues",
        "write one of: " + join(allowed, ", "));
  }

  void constant(const Value::Member& member) {
    value_name(member, "constant");
    Constant constant;
    constant.name = member.key;
    constant.where = member.where;
    if (check(constant_fields_, member.value, "constant '" + member.key + "'")) {
      constant.value = text_of(member.value, "value");
      warn_of_reference(*member.value.find("value"), "constant '" + member.key + "'");
    }
    document_.constants.push_back(std::move(constant));
  }

  /// A value may hold braces for another program, but whoever writes a name hopes for its value.
  void warn_of_reference(const Value& value, const std::string& place) {
    if (!is_deferred(value)) return;
    for (const auto& part : parse_template(value.text()).parts) {
      const auto* reference = std::get_if<Reference>(&part);
      if (!reference || reference->kind == Reference::Kind::foreign) continue;
      diagnostics_.warning(codes::misplaced_reference, value.where,
                           reference->raw + " in " + place + " stays as it is",
                           "references stand in inputs, in the values of a loop and in conditions");
      return;
    }
  }

  void phases(const Value* list) {
    if (!list || list->is_null()) return;
    if (!list->is_list() || list->list().empty()) {
      diagnostics_.error(codes::wrong_type, list->where,
                         std::string("'phases' takes a list of phases, not ") +
                             (list->is_list() ? "an empty list" : kind_name(*list)),
                         "write\nphases:\n  - name: build\n    steps:");
      return;
    }
    Places names;
    document_.phases.reserve(list->list().size());
    for (const Value& item : list->list()) phase(item, names);
  }

  void phase(const Value& map, Places& names) {
    Phase phase;
    phase.where = map.where;
    phase.name = text_of(map, "name");
    const std::string owner = phase.name.empty() ? "a phase" : "phase '" + phase.name + "'";
    check(phase_fields_, map, owner);
    if (map.find("name")) {
      step_name(map, owner);
      unique(names, phase.name, place_of(map, "name"), "a phase");
    }
    const Value* steps = map.find("steps");
    if (steps && steps->is_list() && !steps->list().empty()) {
      Places step_names, loop_names;
      phase.steps.reserve(steps->list().size());
      for (const Value& item : steps->list()) {
        phase.steps.push_back(step(item, step_names, loop_names));
      }
    } else if (steps && !steps->is_null()) {
      diagnostics_.error(codes::wrong_type, steps->where,
                         "'steps' of " + owner + " takes a list of steps, not " +
                             (steps->is_list() ? "an empty list" : kind_name(*steps)));
    }
    document_.phases.push_back(std::move(phase));
  }

  /// Phases and steps take any name that a reference can hold, and a warning tells of the others.
  void step_name(const Value& map, const std::string& owner) {
    const Value& name = *map.find("name");
    if (!name.is_scalar() || name.is_null()) return;
    if (no_reference(name, "the name of " + owner)) return;
    const std::string& text = name.text();
    const bool control =
        std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; });
    if (trim(text).empty() || control || text.size() > 1024) {
      diagnostics_.error(codes::name_syntax, name.where,
                         "the name of " + owner +
                             " is not one line "
                             "of text",
                         "a name has letters, digits, '_' and '-'");
    } else if (!is_referable_name(text)) {
      diagnostics_.warning(
          codes::name_syntax, name.where, "no reference can name " + owner,
          "use letters, digits, '_' and '-' if other steps are to use its results");
    }
  }

  /// Reports a reference where the language takes none.
  bool no_reference(const Value& value, const std::string& place) {
    return report_misplaced_reference(value, place, diagnostics_);
  }

  Step step(const Value& map, Places& names, Places& loop_names) {
    Step step;
    step.where = map.where;
    step.name = text_of(map, "name");
    const std::string owner = step.name.empty() ? "a step" : "step '" + step.name + "'";
    check(step_fields_, map, owner);
    if (!map.is_map()) return step;
    step.name_where = place_of(map, "name");
    step.action_where = place_of(map, "action");
    if (map.find("name")) {
      step_name(map, owner);
      if (!step.name.empty()) unique(names, step.name, step.name_where, "a step");
    }
    step.action = text_of(map, "action");
    if (const Value* action = map.find("action")) no_reference(*action, "'action' of " + owner);
    if (const Value* inputs = map.find("inputs")) step.inputs = *inputs;
    numbers(map, owner, step);
    on_failure(map, owner, step);
    if (const Value* loop = map.find("loop"); loop && !loop->is_null()) {
      step.loop = read_loop(*loop, owner, diagnostics_);
      if (step.loop && !step.loop->name.empty()) {
        unique(loop_names, step.loop->name, step.loop->where, "a loop");
      }
    }
    if (const Value* condition = map.find("if"); condition && !condition->is_null()) {
      step.condition = parse_if(*condition, "'if' of " + owner, diagnostics_);
    }
    if (const Value* quiet = map.find("disableLogging")) {
      if (!no_reference(*quiet, "'disableLogging' of " + owner)) {
        step.disable_logging = quiet->as_yaml_bool().value_or(false);
      }
    }
    return step;
  }

  void numbers(const Value& map, const std::string& owner, Step& step) {
    if (const Value* timeout = map.find("timeoutSeconds"); timeout && !timeout->is_null()) {
      step.timeout_where = timeout->where;
      no_reference(*timeout, "'timeoutSeconds' of " + owner);
      step.timeout_seconds = timeout->as_int().value_or(step.timeout_seconds);
      if (step.timeout_seconds == 0) {
        diagnostics_.error(codes::invalid_value, timeout->where,
                           "'timeoutSeconds' of " + owner + " cannot be 0",
                           "write -1 for no limit, or a number of seconds");
      }
    }
    if (const Value* attempts = map.find("maxAttempts"); attempts && !attempts->is_null()) {
      step.attempts_where = attempts->where;
      no_reference(*attempts, "'maxAttempts' of " + owner);
      step.max_attempts = attempts->as_int().value_or(step.max_attempts);
    }
  }

  void on_failure(const Value& map, const std::string& owner, Step& step) {
    const Value* value = map.find("onFailure");
    if (!value || value->is_null() || !value->is_scalar()) return;
    if (no_reference(*value, "'onFailure' of " + owner)) return;
    for (const OnFailure known : {OnFailure::abort, OnFailure::continue_, OnFailure::ignore}) {
      if (value->text() == to_string(known)) {
        step.on_failure = known;
        return;
      }
      // Other words have been reported with the choices of the table, which compares without case.
      if (equals_ignoring_case(value->text(), to_string(known))) {
        diagnostics_.error(codes::invalid_value, value->where,
                           "'onFailure' of " + owner + " cannot be '" + value->text() + "'",
                           "did you mean '" + std::string(to_string(known)) + "'?");
      }
    }
  }

  Diagnostics& diagnostics_;
  Document document_;
  Places value_names_;
  const std::vector<FieldInfo> document_fields_ = document_fields();
  const std::vector<FieldInfo> phase_fields_ = phase_fields();
  const std::vector<FieldInfo> step_fields_ = step_fields();
  const std::vector<FieldInfo> parameter_fields_ = parameter_fields();
  const std::vector<FieldInfo> constant_fields_ = constant_fields();
};

}  // namespace

Document read_document(const Value& root, Diagnostics& diagnostics) {
  return DocumentReader(diagnostics).read(root);
}

}  // namespace toehold
