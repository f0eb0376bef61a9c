#include "runner/document/validator.hpp"

#include <algorithm>
#include <array>

#include "runner/base/pattern.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/mistakes.hpp"
#include "runner/document/reader.hpp"
#include "runner/document/reference_checker.hpp"
#include "runner/document/template.hpp"
#include "runner/document/yaml.hpp"

namespace toehold {

namespace {

constexpr std::array<std::pair<Platforms, const char*>, 3> platform_names{
    {{linux_only, "linux"}, {macos_only, "macos"}, {windows_only, "windows"}}};

std::vector<std::string> names_of(unsigned platforms) {
  std::vector<std::string> names;
  for (const auto& [bit, name] : platform_names) {
    if (platforms & bit) names.emplace_back(name);
  }
  return names;
}

/// What a first look at the action's table gives, indented to stand below `inputs:`.
std::string inputs_sketch(const ActionInfo& action) {
  if (action.shape == InputShape::condition) {
    return "inputs:\n  fileExists: /etc/hostname";
  }
  std::string text = "inputs:";
  bool first = true;
  for (const FieldInfo& input : action.inputs) {
    if (!input.required) continue;
    text += action.shape == InputShape::each_item ? (first ? "\n  - " : "\n    ") : "\n  ";
    text += input.name + ": " + (input.type == FieldType::text_list ? "[...]" : "...");
    first = false;
  }
  return first ? std::string() : "write\n" + text;
}

/// The numbers that number operators compare; all else makes them false.
bool is_number(std::string_view text) {
  const auto digits = [&text] {
    std::size_t count = 0;
    while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (!digits()) return false;
  if (text.empty()) return true;
  if (text.front() != '.') return false;
  text.remove_prefix(1);
  return digits() && text.empty();
}

bool compares_numbers(Operator op) {
  return op >= Operator::number_equals && op <= Operator::number_greater_than_equals;
}

class Validator {
 public:
  Validator(const Document& document, const ActionCatalogue& actions,
            const ValidationOptions& options, Diagnostics& diagnostics)
      : document_(document),
        actions_(actions),
        options_(options),
        diagnostics_(diagnostics),
        references_(document, actions, options.allow_foreign_references, diagnostics) {}

  void run() {
    standard_phase();
    for (std::size_t p = 0; p < document_.phases.size(); ++p) {
      const Phase& phase = document_.phases[p];
      for (std::size_t s = 0; s < phase.steps.size(); ++s) {
        references_.enter(p, s);
        step(phase, phase.steps[s]);
      }
    }
  }

 private:
  void standard_phase() {
    const auto& phases = document_.phases;
    if (phases.empty()) return;  // the reader has said so
    for (const Phase& phase : phases) {
      if (phase.name == "build" || phase.name == "validate" || phase.name == "test") return;
    }
    diagnostics_.warning(codes::no_standard_phase, phases.front().where,
                         "the document has none of the phases build, validate and test",
                         "Image Builder runs no other phases by itself");
  }

  void step(const Phase& phase, const Step& step) {
    const Loop* loop = step.loop ? &*step.loop : nullptr;
    references_.check(step.inputs, loop);
    if (loop && loop->values) {
      for (const Value& value : *loop->values) references_.check(value, nullptr);
    }
    if (loop && loop->delimited) references_.check(loop->delimited->list, nullptr);
    const std::string owner = "step '" + step.name + "'";
    if (step.condition) {
      for (const Value* value : condition_scalars(step.condition->condition)) {
        references_.check(*value, nullptr);
      }
      condition(step.condition->condition, "'if' of " + owner);
    }
    if (step.action.empty() || has_reference(step.action)) return;  // the reader has said so
    if (const ActionInfo* action = actions_.find_info(step.action)) {
      availability(*action, step);
      limits(*action, step);
      inputs(*action, phase, step);
    } else if (const ActionInfo* meant = meant_action(step)) {
      if (is_likely(*meant, step.inputs)) inputs(*meant, phase, step);
    }
  }

  /// Reports that there is no such action; returns the one that was likely meant, or null.
  const ActionInfo* meant_action(const Step& step) {
    std::optional<std::string> meant;
    if (suggestions_left_ > 0) {
      --suggestions_left_;
      std::vector<std::string> names;
      for (const ActionInfo* info : actions_.all_infos()) names.push_back(info->name);
      meant = closest_match(step.action, names);
    }
    diagnostics_.error(codes::unknown_action, step.action_where,
                       "there is no action '" + step.action + "'",
                       meant ? "did you mean '" + *meant + "'?" : "'describe' lists the actions");
    return meant ? actions_.find_info(*meant) : nullptr;
  }

  /// What is told of the inputs of an action that was only guessed must not mislead: one that knows
  /// none of the keys, not even misspelt, was no good guess.
  static bool is_likely(const ActionInfo& meant, const Value& inputs) {
    std::vector<std::string> keys = field_names(meant.inputs);
    if (meant.shape == InputShape::condition) {
      for (const OperatorInfo& info : operator_table()) keys.emplace_back(info.key);
    }
    const bool listed = inputs.is_list() && !inputs.list().empty();
    const Value::Map& members = (listed ? inputs.list().front() : inputs).map();
    return std::any_of(members.begin(), members.end(), [&](const Value::Member& member) {
      return closest_match(member.key, keys).has_value();
    });
  }

  void availability(const ActionInfo& action, const Step& step) {
    const auto& blocked = options_.blocked_actions;
    if (std::find(blocked.begin(), blocked.end(), step.action) != blocked.end()) {
      diagnostics_.error(codes::blocked_action, step.action_where,
                         "action " + step.action + " is blocked by --blocked-action-modules");
    }
    if (const unsigned missing = options_.platforms & ~action.platforms) {
      const auto there = names_of(action.platforms);
      diagnostics_.error(
          codes::unsupported_action, step.action_where,
          "action " + step.action + " does not exist on " + join(names_of(missing), " and "),
          "it exists on " + join(there, " and ") + "; to check the document for that, use\n" +
              "validate --os-platforms " + join(there, ","));
    }
  }

  void limits(const ActionInfo& action, const Step& step) {
    if (!action.takes_timeout && step.timeout_where.known() && step.timeout_seconds != -1) {
      diagnostics_.error(codes::invalid_value, step.timeout_where,
                         "action " + action.name + " takes no 'timeoutSeconds' but -1",
                         "remove the line; the steps of the other document have their own limits");
    }
    if (!action.takes_attempts && step.attempts_where.known() && step.max_attempts != 1) {
      diagnostics_.error(
          codes::invalid_value, step.attempts_where,
          "action " + action.name + " takes no 'maxAttempts' but 1",
          "remove the line; the steps of the other document have their own attempts");
    }
  }

  void inputs(const ActionInfo& action, const Phase& phase, const Step& step) {
    const Value& inputs = step.inputs;
    const bool none = inputs.is_null() || (inputs.is_list() && inputs.list().empty()) ||
                      (inputs.is_map() && inputs.map().empty());
    if (none) {
      if (!action.inputs_required) return;
      diagnostics_.error(codes::missing_inputs,
                         inputs.where.known() ? inputs.where : step.action_where,
                         "step '" + step.name + "' in phase '" + phase.name + "': action " +
                             action.name + " has no inputs; it requires an 'inputs'",
                         inputs_sketch(action));
      return;
    }
    const std::string owner = "action " + action.name;
    if (action.shape == InputShape::condition) {
      const auto parsed = parse_condition(inputs, owner, diagnostics_);
      if (parsed) condition(*parsed, owner);
    } else if (inputs.is_list()) {
      if (action.shape == InputShape::single && inputs.list().size() > 1) {
        diagnostics_.error(codes::wrong_type, inputs.where,
                           "'inputs' of " + owner + " takes one map, not a list of " +
                               std::to_string(inputs.list().size()),
                           "write one step for each item, or use a 'loop'");
        return;
      }
      for (const Value& item : inputs.list()) input_item(action, item, owner);
    } else {
      input_item(action, inputs, owner);
    }
  }

  void input_item(const ActionInfo& action, const Value& item, const std::string& owner) {
    check_fields(action.inputs, item, owner, is_deferred, diagnostics_);
    if (item.is_map() && action.check) action.check(item, is_deferred, diagnostics_);
  }

  void condition(const Condition& condition, const std::string& owner) {
    for (const Condition& term : condition.terms) this->condition(term, owner);
    if (compares_numbers(condition.op)) {
      for (const Value* value : {&condition.operand, &condition.other}) {
        if (value->kind() != Value::Kind::string || is_deferred(*value) ||
            is_number(value->text())) {
          continue;
        }
        diagnostics_.warning(
            codes::condition_shape, value->where,
            "'" + value->text() + "' in " + owner + " is no number, so the comparison never holds",
            "write digits, with a sign and a decimal point where needed");
      }
    }
    if (condition.op != Operator::pattern_matches || is_deferred(condition.operand)) return;
    std::string problem;
    if (Pattern::compile(condition.operand.text(), problem)) return;
    diagnostics_.error(codes::pattern_syntax, condition.operand.where,
                       "'patternMatches' of " + owner + " is no regular expression: " + problem,
                       "the language is RE2, which has no look-around and no backreferences");
  }

  const Document& document_;
  const ActionCatalogue& actions_;
  const ValidationOptions& options_;
  Diagnostics& diagnostics_;
  ReferenceChecker references_;
  std::size_t suggestions_left_ = 100;  // each looks at every action's name
};

}  // namespace

void validate_document(const Document& document, const ActionCatalogue& actions,
                       const ValidationOptions& options, Diagnostics& diagnostics) {
  Validator(document, actions, options, diagnostics).run();
}

namespace {

/// A reference taken apart has some fifty times the size of the shortest one.
bool check_reference_count(const Value& value, Diagnostics& diagnostics) {
  constexpr std::size_t most = 10'000;
  if (value.is_list()) {
    return std::all_of(value.list().begin(), value.list().end(),
                       [&](const Value& item) { return check_reference_count(item, diagnostics); });
  }
  if (value.is_map()) {
    return std::all_of(value.map().begin(), value.map().end(), [&](const auto& member) {
      return check_reference_count(member.value, diagnostics);
    });
  }
  std::size_t count = 0;
  for (std::size_t at = value.text().find("{{"); at != std::string::npos;
       at = value.text().find("{{", at + 2)) {
    ++count;
  }
  if (count <= most) return true;
  diagnostics.error(codes::limit, value.where,
                    "this text has more than " + std::to_string(most) + " references",
                    "keep such a text in a file of its own, and name the file");
  return false;
}

}  // namespace

LoadedDocument load_document(const SourcePtr& source, const ActionCatalogue& actions,
                             const ValidationOptions& options) {
  LoadedDocument loaded{nullptr, Diagnostics(source)};
  const auto root = read_yaml(source, loaded.diagnostics);
  if (root && check_reference_count(*root, loaded.diagnostics)) {
    diagnose_mistakes(*root, *source, loaded.diagnostics);
    // What has been explained so far needs no second, general message at the same place.
    loaded.diagnostics.explain_errors();
    auto document = std::make_shared<Document>(read_document(*root, loaded.diagnostics));
    validate_document(*document, actions, options, loaded.diagnostics);
    loaded.document = std::move(document);
  }
  loaded.diagnostics.sort();
  return loaded;
}

}  // namespace toehold
