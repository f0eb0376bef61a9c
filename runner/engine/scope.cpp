#include "runner/engine/scope.hpp"

#include <algorithm>
#include <cstdlib>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/redactor.hpp"

namespace toehold {

namespace {

constexpr std::string_view did_not_run = " did not run in this run";

[[noreturn]] void unresolved(const std::string& why, std::string hint = {}) {
  throw Error(Error::Kind::document, why, std::move(hint));
}

template <class Lookup>
void require(const Lookup& lookup, const char* what) {
  if (!lookup) throw Error(Error::Kind::unsupported, std::string(what) + " cannot be asked here");
}

std::string key_of(const std::string& phase, const std::string& step) {
  return phase + "." + step;
}

void check_allowed(const Parameter& parameter, const std::string& value) {
  const auto& allowed = parameter.allowed_values;
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  throw Error(Error::Kind::usage, "parameter '" + parameter.name + "' cannot be '" + value + "'",
              "the document allows: " + join(allowed, ", "));
}

}  // namespace

Scope::Scope(const Document& document, const Parameters& parameters, ScopeFacts facts)
    : document_(document), facts_(std::move(facts)) {
  for (const Constant& constant : document.constants) names_[constant.name] = constant.value;
  for (const Parameter& parameter : document.parameters) {
    // No default and nothing given: the empty text, as the original has it.
    std::string value = parameter.default_value.value_or("");
    bool given = false;
    for (const auto& [name, text] : parameters) {
      if (name != parameter.name) continue;
      value = text;
      given = true;
    }
    if (given) check_allowed(parameter, value);
    if (looks_secret(parameter.name) && facts_.register_secret) facts_.register_secret(value);
    names_[parameter.name] = std::move(value);
  }
}

Value Scope::resolve(const Value& value, const StepFrame& frame) const {
  Value result = value;
  if (value.is_list()) {
    for (Value& item : result.list()) item = resolve(item, frame);
  } else if (value.is_map()) {
    for (auto& member : result.map()) member.value = resolve(member.value, frame);
  } else if (value.kind() == Value::Kind::string && has_reference(value.text())) {
    result = Value(resolve_text(value, frame));
    result.where = value.where;
  }
  return result;
}

std::string Scope::resolve_text(const Value& scalar, const StepFrame& frame) const {
  if (!has_reference(scalar.text())) return scalar.text();
  std::string text;
  for (const auto& part : parse_template(scalar.text()).parts) {
    if (const auto* literal = std::get_if<std::string>(&part)) {
      text += *literal;
      continue;
    }
    const Reference& reference = std::get<Reference>(part);
    try {
      text += value_of(reference, frame);
    } catch (Error& error) {
      const SourceLocation where = locate(reference, scalar, *document_.source);
      throw error.during("resolving " + reference.raw)
          .during(document_.source->name() + ":" + std::to_string(where.line) + ":" +
                  std::to_string(where.column));
    }
  }
  return text;
}

std::string Scope::preview(const std::string& text, const StepFrame& frame) const {
  using Kind = Reference::Kind;
  std::string result;
  for (const auto& part : parse_template(text).parts) {
    if (const auto* literal = std::get_if<std::string>(&part)) {
      result += *literal;
      continue;
    }
    const Reference& reference = std::get<Reference>(part);
    const bool named = reference.kind == Kind::name || reference.kind == Kind::env;
    const bool stable = reference.name != "uuid" && reference.name != "dateTime";
    if (named && looks_secret(reference.name)) {
      result += "***";
    } else if (named || (reference.kind == Kind::context && stable)) {
      try {
        result += value_of(reference, frame);
      } catch (const Error&) {
        result += reference.raw;
      }
    } else {
      result += reference.raw;
    }
  }
  return result;
}

std::string Scope::value_of(const Reference& reference, const StepFrame& frame) const {
  switch (reference.kind) {
    case Reference::Kind::name: {
      const auto at = names_.find(reference.name);
      if (at == names_.end()) unresolved("no parameter or constant has this name");
      return at->second;
    }
    case Reference::Kind::step_input:
    case Reference::Kind::step_output:
      return step_value(reference);
    case Reference::Kind::loop_index:
    case Reference::Kind::loop_value: {
      const bool ours =
          frame.loop_index && (reference.name == "loop" || reference.name == frame.loop_name);
      if (!ours) return reference.raw;  // stays as it is outside of its loop
      return reference.kind == Reference::Kind::loop_index ? *frame.loop_index : frame.loop_value;
    }
    case Reference::Kind::ssm:
    case Reference::Kind::ssm_resolve:
      return parameter_value(reference, frame);
    case Reference::Kind::env:
      return environment_value(reference.name);
    case Reference::Kind::imds:
      require(facts_.aws.metadata, "instance metadata");
      return facts_.aws.metadata(reference.name);
    case Reference::Kind::context:
      return context_value(reference.name, frame);
    case Reference::Kind::foreign:
      return reference.raw;
  }
  return reference.raw;
}

std::string Scope::step_value(const Reference& reference) const {
  const std::string step = key_of(reference.phase, reference.step);
  const auto at = steps_.find(step);
  if (at == steps_.end()) {
    unresolved("step " + step + std::string(did_not_run),
               "run the document from that step on: --from " + step);
  }
  const bool output = reference.kind == Reference::Kind::step_output;
  const Value& items = output ? at->second.outputs : at->second.inputs;
  const std::string what = output ? "output" : "input";
  std::vector<std::string> found;
  for (std::size_t i = 0; i < items.list().size(); ++i) {
    if (reference.index && *reference.index != i) continue;
    const Value& item = items.list()[i];
    if (const Value* cut = item.find(reference.name + "Truncated"); output && cut) {
      unresolved("the " + reference.name + " of step " + step +
                     " was too long to keep and was cut, so it cannot be used here",
                 "let that step write it to a file, and read the file here");
    }
    if (const Value* value = item.find(reference.name)) {
      if (!value->is_scalar()) {
        unresolved("the " + what + " '" + reference.name + "' of step " + step + " is " +
                   kind_name(*value) + ", not text");
      }
      found.push_back(value->text());
    }
  }
  if (found.empty()) {
    unresolved("step " + step + " has no " + what + " '" + reference.name + "'" +
               (reference.index ? " at index " + std::to_string(*reference.index) : "") +
               (at->second.ran ? "" : "; it was skipped"));
  }
  return join(found, "\n");
}

/// Every value is taken for a secret, but for those that resolve() uses as names: a message has to
/// say which parameter it means.
std::string Scope::parameter_value(const Reference& reference, const StepFrame& frame) const {
  require(facts_.aws.parameter, "Parameter Store");
  std::string name = reference.name;
  if (reference.kind == Reference::Kind::ssm_resolve) {
    const Template inner = parse_template("{{ " + reference.name + " }}");
    const auto* nested = inner.parts.empty() ? nullptr : std::get_if<Reference>(&inner.parts[0]);
    if (!nested) unresolved("resolve() takes the name of a parameter or an aws:ssm: reference");
    if (nested->kind == Reference::Kind::ssm) {
      const ParameterValue read = facts_.aws.parameter(nested->name);
      if (read.type == "SecureString") hide(read, nested->name);
      name = read.value;
    } else {
      name = value_of(*nested, frame);
    }
  }
  const ParameterValue found = facts_.aws.parameter(name);
  hide(found, name);
  if (found.value.find('\n') != std::string::npos) {
    unresolved("the value of parameter " + name + " has several lines, and a reference takes one",
               "keep it in base64 and let the step decode it, or let the step ask for it: "
               "aws ssm get-parameter --with-decryption --name " +
                   name);
  }
  return found.value;
}

void Scope::hide(const ParameterValue& found, const std::string& name) const {
  if (facts_.register_secret) facts_.register_secret(found.value);
  const bool told = found.value.empty() || found.value.size() >= Secrets::shortest;
  if (told || found.type != "SecureString" || !facts_.warn) return;
  facts_.warn("the value of parameter " + name + " is too short to be masked in logs");
}

std::string Scope::environment_value(const std::string& name) const {
  const char* value = std::getenv(name.c_str());
  if (!value) {
    const std::string why = "the environment variable " + name + " is not set";
    if (facts_.strict) unresolved(why, "set it for this program: " + name + "=... toehold run ...");
    if (facts_.warn) facts_.warn(why + "; {{ env:" + name + " }} becomes the empty text");
    return {};
  }
  if (looks_secret(name) && facts_.register_secret) facts_.register_secret(value);
  return value;
}

std::string Scope::context_value(const std::string& key, const StepFrame& frame) const {
  const Platform& platform = *facts_.platform;
  if (key == "executionId") return facts_.execution_id;
  if (key == "osPlatform") return platform.os;
  if (key == "osName") return platform.os_name;
  if (key == "osVersion") return platform.os_version;
  if (key == "hostname") return platform.hostname;
  if (key == "phase") return frame.phase;
  if (key == "step") return frame.step;
  if (key == "uuid") return new_uuid();
  const UnixMillis now = facts_.clock->unix_millis();
  if (key == "date") return format_utc(now, "%Y-%m-%d");
  if (key == "dateTime") return rfc3339_utc(now);
  if (key == "region") {
    require(facts_.aws.region, "the AWS region");
    return facts_.aws.region();
  }
  if (key == "accountId") {
    require(facts_.aws.account_id, "the AWS account");
    return facts_.aws.account_id();
  }
  unresolved("context:" + key + " has no value");
}

Scope::Recorded& Scope::recorded(const std::string& phase, const std::string& step) {
  return steps_[key_of(phase, step)];
}

void Scope::record_inputs(const std::string& phase, const std::string& step, Value inputs) {
  recorded(phase, step).inputs = std::move(inputs);
}

void Scope::record_outputs(const std::string& phase, const std::string& step, Value outputs) {
  Recorded& record = recorded(phase, step);
  record.outputs = std::move(outputs);
  record.ran = true;
}

void Scope::record_earlier(const std::string& phase, const std::string& step, Value inputs,
                           Value outputs) {
  recorded(phase, step) = {std::move(inputs), std::move(outputs), true};
}

bool Scope::knows(const std::string& phase, const std::string& step) const {
  return steps_.contains(key_of(phase, step));
}

std::optional<std::string> missing_step(std::string_view message) {
  constexpr std::string_view before = "step ";
  const std::size_t end = message.find(did_not_run);
  const std::size_t begin = message.substr(0, end).rfind(before);
  if (end == std::string_view::npos || begin == std::string_view::npos) return std::nullopt;
  return std::string(message.substr(begin + before.size(), end - begin - before.size()));
}

}  // namespace toehold
