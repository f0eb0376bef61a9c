#include "runner/document/reference_checker.hpp"

#include <algorithm>
#include <set>

#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

namespace {

const Value* input_item(const Value& inputs, std::size_t index) {
  if (inputs.is_map()) return index == 0 ? &inputs : nullptr;
  return index < inputs.list().size() ? &inputs.list()[index] : nullptr;
}

std::size_t input_count(const Value& inputs) {
  return inputs.is_list() ? inputs.list().size() : 1;
}

std::string step_title(const Reference& reference) {
  return "step '" + reference.step + "' of phase '" + reference.phase + "'";
}

}  // namespace

ReferenceChecker::ReferenceChecker(const Document& document, const ActionCatalogue& actions,
                                   bool allow_foreign, Diagnostics& diagnostics)
    : document_(document),
      actions_(actions),
      allow_foreign_(allow_foreign),
      diagnostics_(diagnostics) {
  for (const Constant& constant : document.constants) names_.emplace(constant.name, nullptr);
  for (const Parameter& parameter : document.parameters) {
    names_.emplace(parameter.name, &parameter);
  }
  for (std::size_t p = 0; p < document.phases.size(); ++p) {
    PhaseIndex index;
    index.position = p;
    const auto& steps = document.phases[p].steps;
    index.steps.reserve(steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) index.steps.emplace(steps[s].name, s);
    phases_.emplace(document.phases[p].name, std::move(index));
  }
}

void ReferenceChecker::enter(std::size_t phase, std::size_t step) {
  phase_ = phase;
  step_ = step;
}

void ReferenceChecker::check(const Value& value, const Loop* loop) {
  if (value.is_list()) {
    for (const Value& item : value.list()) check(item, loop);
  } else if (value.is_map()) {
    for (const auto& member : value.map()) check(member.value, loop);
  } else if (is_deferred(value)) {
    scalar(value, loop);
  }
}

void ReferenceChecker::scalar(const Value& scalar, const Loop* loop) {
  constexpr std::size_t enough = 20;  // of one scalar; each costs a search for its place
  const std::size_t before = diagnostics_.found();
  std::set<std::string, std::less<>> seen;
  const Template parsed = parse_template(scalar.text());
  for (const auto& part : parsed.parts) {
    const auto* found = std::get_if<Reference>(&part);
    if (!found && std::get<std::string>(part).find("{{ aws:ssm:") != std::string::npos) {
      diagnostics_.warning(codes::unknown_reference, scalar.where,
                           "a reference inside of {{ aws:ssm:... }} leaves the outer one as text",
                           "make a parameter of the whole name: {{ aws:ssm:resolve(Parameter) }}");
    }
    if (!found || !seen.insert(found->inner).second) continue;
    reference(*found, scalar, loop);
    if (diagnostics_.found() - before >= enough) return;
  }
}

void ReferenceChecker::reference(const Reference& reference, const Value& scalar,
                                 const Loop* loop) {
  switch (reference.kind) {
    case Reference::Kind::name:
      name(reference, reference.name, scalar);
      break;
    case Reference::Kind::step_input:
    case Reference::Kind::step_output:
      step(reference, scalar);
      break;
    case Reference::Kind::loop_index:
    case Reference::Kind::loop_value:
      loop_name(reference, scalar, loop);
      break;
    case Reference::Kind::ssm_resolve:
      ssm_name(reference, scalar);
      break;
    case Reference::Kind::imds:
      metadata_path(reference, scalar);
      break;
    case Reference::Kind::context:
      context_key(reference, scalar);
      break;
    case Reference::Kind::foreign:
      foreign(reference, scalar);
      break;
    case Reference::Kind::ssm:
    case Reference::Kind::env:
      break;
  }
}

void ReferenceChecker::wrong(const DiagnosticCode& code, const Reference& reference,
                             const Value& scalar, std::string message, std::string hint) {
  const SourceLocation where =
      diagnostics_.source() ? locate(reference, scalar, *diagnostics_.source()) : scalar.where;
  diagnostics_.error(code, where, std::move(message), std::move(hint));
}

bool ReferenceChecker::suggests() {
  if (suggestions_left_ == 0) return false;
  --suggestions_left_;
  return true;
}

std::vector<std::string> ReferenceChecker::value_names() const {
  std::vector<std::string> names;
  for (const Parameter& parameter : document_.parameters) names.push_back(parameter.name);
  for (const Constant& constant : document_.constants) names.push_back(constant.name);
  return names;
}

std::vector<std::string> ReferenceChecker::step_names(const PhaseIndex& phase) const {
  std::vector<std::string> names;
  for (const Step& step : document_.phases[phase.position].steps) names.push_back(step.name);
  return names;
}

void ReferenceChecker::name(const Reference& reference, const std::string& name,
                            const Value& scalar) {
  if (names_.contains(name)) return;
  std::string hint = suggests() ? did_you_mean(name, value_names()) : std::string();
  if (hint.empty()) {
    hint = "declare it:\nparameters:\n  - " + name + ":\n      type: string\n" +
           "or, if another program is to see the braces, use --allow-foreign-references";
  }
  wrong(codes::unknown_reference, reference, scalar,
        "no parameter or constant is called '" + name + "'", std::move(hint));
}

void ReferenceChecker::ssm_name(const Reference& reference, const Value& scalar) {
  const Template inner = parse_template("{{ " + reference.name + " }}");
  const auto* nested =
      inner.parts.size() == 1 ? std::get_if<Reference>(&inner.parts.front()) : nullptr;
  if (nested && nested->kind == Reference::Kind::name) {
    name(reference, nested->name, scalar);
  } else if (!nested || nested->kind != Reference::Kind::ssm) {
    wrong(codes::unknown_reference, reference, scalar,
          "'" + reference.name + "' is nothing that resolve() takes",
          "write resolve(Parameter) with a parameter of this document, or "
          "resolve(aws:ssm:/path)");
  }
}

void ReferenceChecker::loop_name(const Reference& reference, const Value& scalar,
                                 const Loop* loop) {
  if (loop && (reference.name == "loop" || reference.name == loop->name)) return;
  if (loop) {
    std::vector<std::string> names{"loop"};
    if (!loop->name.empty()) names.push_back(loop->name);
    std::string hint = did_you_mean(reference.name, names);
    if (hint.empty()) hint = "write " + join(names, " or ") + " before the dot";
    wrong(codes::unknown_reference, reference, scalar,
          "the loop of this step is not called '" + reference.name + "'", std::move(hint));
    return;
  }
  const SourceLocation where =
      diagnostics_.source() ? locate(reference, scalar, *diagnostics_.source()) : scalar.where;
  diagnostics_.warning(codes::unknown_reference, where,
                       reference.raw + " stays as it is, because no loop has a value here",
                       "loop values are known in the inputs of a step that has a 'loop'");
}

void ReferenceChecker::metadata_path(const Reference& reference, const Value& scalar) {
  const std::string& path = reference.name;
  const bool plain = std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return c > ' ' && c < 0x7F &&
           std::string_view("%?#\\").find(static_cast<char>(c)) == std::string_view::npos;
  });
  const auto segments = split(path, '/');
  const bool straight = std::none_of(segments.begin(), segments.end(), [](const auto& segment) {
    return segment == "." || segment == "..";
  });
  if (!plain || !straight) {
    wrong(codes::unknown_reference, reference, scalar,
          "'" + path + "' is no path of instance metadata",
          "write a path below meta-data/, such as instance-id or placement/region");
    return;
  }
  const auto first = std::find_if(segments.begin(), segments.end(),
                                  [](const std::string& segment) { return !segment.empty(); });
  if (first == segments.end()) return;
  if (equals_ignoring_case(*first, "iam") || equals_ignoring_case(*first, "identity-credentials")) {
    wrong(codes::unknown_reference, reference, scalar,
          "instance metadata below " + *first + "/ holds credentials and is not given to documents",
          "let the step's own program use the instance's role");
  }
}

void ReferenceChecker::context_key(const Reference& reference, const Value& scalar) {
  std::vector<std::string> names;
  for (const ContextKey& key : context_keys()) {
    if (reference.name == key.name) return;
    names.emplace_back(key.name);
  }
  std::string hint = did_you_mean(reference.name, names);
  if (reference.name == "instanceId") hint = "write {{ aws:imds:instance-id }}";
  if (hint.empty()) hint = "the keys are " + join(names, ", ");
  wrong(codes::unknown_reference, reference, scalar,
        "there is no context key '" + reference.name + "'", std::move(hint));
}

void ReferenceChecker::foreign(const Reference& reference, const Value& scalar) {
  if (allow_foreign_) return;
  wrong(codes::unknown_reference, reference, scalar,
        reference.raw + " is no reference of this language, and there is no way to escape braces",
        "if another program is to see it, use --allow-foreign-references to leave it as it is,\n"
        "or let the step put the braces together itself: o='{'; echo \"$o$o...\"");
}

void ReferenceChecker::step(const Reference& reference, const Value& scalar) {
  const auto phase = phases_.find(reference.phase);
  if (phase == phases_.end()) {
    std::vector<std::string> names;
    for (const Phase& known : document_.phases) {
      if (names.size() < 100) names.push_back(known.name);
    }
    std::string hint = suggests() ? did_you_mean(reference.phase, names) : std::string();
    if (hint.empty()) hint = "a reference starts with the phase: " + join(names, ", ");
    wrong(codes::unknown_reference, reference, scalar,
          "no phase is called '" + reference.phase + "'", std::move(hint));
    return;
  }
  const auto known = phase->second.steps.find(reference.step);
  if (known == phase->second.steps.end()) {
    wrong(codes::unknown_reference, reference, scalar,
          "phase '" + reference.phase + "' has no step '" + reference.step + "'",
          suggests() ? did_you_mean(reference.step, step_names(phase->second)) : std::string());
    return;
  }
  const std::pair target{phase->second.position, known->second};
  const std::pair here{phase_, step_};
  if (target >= here) {
    wrong(codes::forward_reference, reference, scalar,
          target == here ? "a step cannot refer to itself"
                         : step_title(reference) + " runs later than this step",
          target == here ? "write the value here, or make it a constant"
                         : "move that step before this one");
    return;
  }
  const Step& step = document_.phases[target.first].steps[target.second];
  if (!index_in_range(reference, step, scalar)) return;
  if (reference.kind == Reference::Kind::step_input) {
    step_input(reference, step, scalar);
  } else {
    step_output(reference, step, scalar);
  }
}

bool ReferenceChecker::index_in_range(const Reference& reference, const Step& target,
                                      const Value& scalar) {
  if (!reference.index || *reference.index < input_count(target.inputs)) return true;
  const std::size_t count = input_count(target.inputs);
  wrong(codes::unknown_reference, reference, scalar,
        step_title(reference) + " has " + std::to_string(count) +
            (count == 1 ? " item" : " items") + " of inputs, and none with index " +
            std::to_string(*reference.index),
        count == 0 ? "" : "the first is [0], the last [" + std::to_string(count - 1) + "]");
  return false;
}

void ReferenceChecker::step_input(const Reference& reference, const Step& target,
                                  const Value& scalar) {
  const std::size_t begin = reference.index.value_or(0);
  const std::size_t end = reference.index ? begin + 1 : input_count(target.inputs);
  std::vector<std::string> names;
  for (std::size_t i = begin; i < end; ++i) {
    const Value* item = input_item(target.inputs, i);
    if (!item) continue;
    if (const Value* value = item->find(reference.name)) {
      if (value->is_scalar()) return;
      wrong(codes::unknown_reference, reference, scalar,
            "input '" + reference.name + "' of " + step_title(reference) + " is " +
                kind_name(*value) + ", not text",
            "make a constant of what both steps need");
      return;
    }
    if (names.size() > 100) continue;  // items mostly have the same keys
    for (const auto& member : item->map()) names.push_back(member.key);
  }
  std::string hint = did_you_mean(reference.name, names);
  if (hint.empty() && !names.empty()) hint = "it has " + join(names, ", ");
  wrong(codes::unknown_reference, reference, scalar,
        step_title(reference) + " has no input '" + reference.name + "'", std::move(hint));
}

void ReferenceChecker::step_output(const Reference& reference, const Step& target,
                                   const Value& scalar) {
  const ActionInfo* action = actions_.find_info(target.action);
  if (!action) return;  // reported where it stands
  std::vector<std::string> names;
  for (const OutputInfo& output : action->outputs) {
    if (output.name == reference.name) return;
    names.push_back(output.name);
  }
  std::string hint = did_you_mean(reference.name, names);
  if (hint.empty() && !names.empty())
    hint = "action " + target.action + " gives " + join(names, ", ");
  wrong(codes::unknown_reference, reference, scalar,
        step_title(reference) + (names.empty()
                                     ? " has no outputs: action " + target.action + " gives none"
                                     : " has no output '" + reference.name + "'"),
        std::move(hint));
}

}  // namespace toehold
