// Every diagnostic code of the document language in one table; the reference page and the
// conformance cases are checked against it.
#pragma once

#include <vector>

#include "runner/base/diagnostic.hpp"

namespace toehold {

/// All codes, those of the field tables included, in the order of the reference page.
const std::vector<DiagnosticCode>& all_diagnostic_codes();

namespace codes {
inline constexpr DiagnosticCode unreadable{"unreadable", "The document cannot be opened or read."};
inline constexpr DiagnosticCode encoding{"encoding", "The text is not UTF-8, or has a NUL in it."};
inline constexpr DiagnosticCode yaml_syntax{"yaml-syntax", "The text is not YAML."};
inline constexpr DiagnosticCode tab_indent{"tab-indent", "A tab where YAML wants blanks."};
inline constexpr DiagnosticCode limit{"limit",
                                      "The document is too large, too deep or expands too far."};
inline constexpr DiagnosticCode alias_cycle{"alias-cycle",
                                            "An alias stands inside of what it names."};
inline constexpr DiagnosticCode merge_key{"merge-key",
                                          "A YAML merge key, which the language does not have."};
inline constexpr DiagnosticCode duplicate_key{"duplicate-key", "The same key twice in one map."};
inline constexpr DiagnosticCode yaml_tag{"yaml-tag",
                                         "A tag such as !Sub that belongs to another tool."};
inline constexpr DiagnosticCode schema_version{"schema-version", "schemaVersion is not 1.0."};
inline constexpr DiagnosticCode name_syntax{
    "name-syntax", "A name with characters or a length that it cannot have."};
inline constexpr DiagnosticCode duplicate_name{"duplicate-name",
                                               "Two things of one kind with one name."};
inline constexpr DiagnosticCode no_standard_phase{
    "no-standard-phase", "None of the phases build, validate and test is there."};
inline constexpr DiagnosticCode unknown_action{"unknown-action", "An action that does not exist."};
inline constexpr DiagnosticCode unsupported_action{"unsupported-action",
                                                   "The action does not exist on the platform."};
inline constexpr DiagnosticCode blocked_action{"blocked-action",
                                               "The action was forbidden on the command line."};
inline constexpr DiagnosticCode missing_inputs{"missing-inputs",
                                               "The action needs inputs and has none."};
inline constexpr DiagnosticCode unknown_reference{
    "unknown-reference", "A {{ reference }} to something that is not there."};
inline constexpr DiagnosticCode forward_reference{
    "forward-reference", "A reference to a step that runs later, or to itself."};
inline constexpr DiagnosticCode misplaced_reference{"misplaced-reference",
                                                    "A reference where the language takes none."};
inline constexpr DiagnosticCode loop_shape{
    "loop-shape", "A loop that is not one of the three forms, or never ends."};
inline constexpr DiagnosticCode condition_shape{
    "condition-shape", "An if or Assert that is not one operator with its values."};
inline constexpr DiagnosticCode pattern_syntax{"pattern-syntax",
                                               "A regular expression that RE2 does not accept."};
inline constexpr DiagnosticCode command_is_map{
    "command-is-map", "A command that YAML reads as a map because of ': ' in it."};
inline constexpr DiagnosticCode list_expected{"list-expected",
                                              "A map or text where a list with '- ' belongs."};
inline constexpr DiagnosticCode split_step{"split-step", "One step written as several list items."};
inline constexpr DiagnosticCode heredoc_indent{"heredoc-indent",
                                               "A here-document whose end is indented or lost."};
inline constexpr DiagnosticCode folded_comment{
    "folded-comment", "A folded script in which a comment swallows what follows."};
}  // namespace codes

}  // namespace toehold
