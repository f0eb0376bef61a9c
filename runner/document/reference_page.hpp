// The reference of the document language in Markdown: its grammar, operators and references, and
// every action, written from the tables that the program itself works by. Called by `describe` and
// by the test that keeps the committed pages fresh.
#pragma once

#include <span>
#include <string>

#include "runner/document/action_info.hpp"

namespace toehold {

/// The whole page.
std::string reference_markdown(const ActionCatalogue& actions);
/// One action, from its heading (level 3) on.
std::string action_markdown(const ActionInfo& action);
/// The fields as a table, those of a field's own fields below it; ends with an empty line.
std::string field_table(std::span<const FieldInfo> fields, const char* first_column = "key");

}  // namespace toehold
