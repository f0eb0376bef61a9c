#include "runner/document/codes.hpp"

#include "runner/base/fields.hpp"

namespace toehold {

const std::vector<DiagnosticCode>& all_diagnostic_codes() {
  using namespace codes;
  static const std::vector<DiagnosticCode> all{unreadable,
                                               encoding,
                                               yaml_syntax,
                                               tab_indent,
                                               limit,
                                               alias_cycle,
                                               merge_key,
                                               duplicate_key,
                                               yaml_tag,
                                               unknown_key,
                                               missing_key,
                                               wrong_type,
                                               invalid_value,
                                               schema_version,
                                               name_syntax,
                                               duplicate_name,
                                               no_standard_phase,
                                               unknown_action,
                                               unsupported_action,
                                               blocked_action,
                                               missing_inputs,
                                               unknown_reference,
                                               forward_reference,
                                               misplaced_reference,
                                               loop_shape,
                                               condition_shape,
                                               pattern_syntax,
                                               command_is_map,
                                               list_expected,
                                               split_step,
                                               heredoc_indent,
                                               folded_comment,
                                               too_many};
  return all;
}

}  // namespace toehold
