// The pages of docs/reference, made from the tables: grammar and actions, events, diagnostics, exit
// codes, configuration file and command line. Called by `describe`; a test compares them with what
// is checked in.
#pragma once

#include <string>
#include <vector>

#include "runner/agent/program.hpp"
#include "runner/document/action_info.hpp"

namespace toehold {

/// `command_line_help`: the full help of the program, as the parser prints it.
std::vector<ReferencePage> reference_pages(const ActionCatalogue& actions,
                                           const std::string& command_line_help);

}  // namespace toehold
