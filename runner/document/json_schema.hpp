// The document language as JSON Schema (draft-07, which editors' YAML plug-ins read best), written
// from the tables of the grammar and of the actions. Called by `describe` and by the tests. It
// accepts all that the validator accepts; what it cannot say, such as which step a reference may
// name, the validator alone checks.
#pragma once

#include <string>

#include "runner/base/value.hpp"
#include "runner/document/action_info.hpp"

namespace toehold {

Value json_schema(const ActionCatalogue& actions);
/// The same as text, indented, with a line end.
std::string json_schema_text(const ActionCatalogue& actions);

}  // namespace toehold
