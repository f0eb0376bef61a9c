// Template: the text of a scalar taken apart into literals and `{{ … }}` references.
// Called by the validator (are they known?) and by engine/scope (what are they now?).
// Never looks anything up. An unclosed `{{`, a lone `}}` and `${VAR}` are literal text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runner/base/source.hpp"
#include "runner/base/value.hpp"

namespace toehold {

struct Reference {
  enum class Kind {
    name,         // {{ Parameter }} or {{ Constant }}
    step_input,   // {{ phase.step.inputs.var }}, {{ phase.step.inputs[0].var }}
    step_output,  // {{ phase.step.outputs.var }}
    loop_index,   // {{ loop.index }}, {{ LoopName.index }}
    loop_value,   // {{ loop.value }}, {{ LoopName.value }}
    ssm,          // {{ aws:ssm:/path }}; name = the path
    ssm_resolve,  // {{ aws:ssm:resolve(ref) }}; name = the inner reference's text
    env,          // {{ env:VAR }}
    imds,         // {{ aws:imds:path }}
    context,      // {{ context:key }}
    foreign,      // shaped like none of these: {{ .ID }}, {{ item | upper }}
  };
  Kind kind = Kind::foreign;
  std::string raw;    // with the braces, as written
  std::string inner;  // between the braces, trimmed
  std::string name;   // parameter, constant, loop, variable, key or path
  std::string phase;  // of step references
  std::string step;
  std::optional<std::size_t> index;
  std::size_t offset = 0;  // of `raw` in the scalar's text
};

struct Template {
  std::vector<std::variant<std::string, Reference>> parts;
};

/// One pass; the text of a resolved reference is never looked at again.
Template parse_template(std::string_view text);
/// Cheap: whether parse_template would give any reference.
bool has_reference(std::string_view text);
/// The deferred predicate for Fields: a string scalar with a reference in it.
bool is_deferred(const Value& value);

/// Whether a reference can name a phase or step of this name.
bool is_referable_name(std::string_view name);

/// Where `reference` stands in the document, given the scalar that holds it: found by its spelling
/// from the scalar's place on, so it is right in block scalars too.
SourceLocation locate(const Reference& reference, const Value& scalar, const SourceText& source);

/// One `{{ context:KEY }}` and the sentence of the reference page.
struct ContextKey {
  const char* name;
  const char* doc;
};
const std::vector<ContextKey>& context_keys();

}  // namespace toehold
