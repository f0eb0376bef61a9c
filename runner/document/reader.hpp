// Value -> Document: the shape of a document. Reports unknown keys, wrong kinds and missing names,
// and goes on, so that one run shows all of them. Meaning is the validator's business.
#pragma once

#include <memory>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/fields.hpp"
#include "runner/document/document.hpp"

namespace toehold {

/// The best Document that can be made of `root`; usable for running only if `diagnostics` has no
/// errors.
Document read_document(const Value& root, Diagnostics& diagnostics);

/// The grammar's own tables, for `describe` and the JSON Schema.
std::vector<FieldInfo> document_fields();
std::vector<FieldInfo> phase_fields();
std::vector<FieldInfo> step_fields();
std::vector<FieldInfo> parameter_fields();
std::vector<FieldInfo> constant_fields();
std::vector<FieldInfo> loop_fields();
std::vector<FieldInfo> for_each_fields();

}  // namespace toehold
