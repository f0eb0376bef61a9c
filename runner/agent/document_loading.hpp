// What run and validate share of their documents: a document that cannot be read as a finding like
// any other, and the lists of names that the command line gives to judge them. Runs nothing.
#pragma once

#include <string>
#include <vector>

#include "runner/agent/aws_reach.hpp"
#include "runner/document/validator.hpp"

namespace toehold {

/// Reads and validates. What keeps it from being read is an error without a position in it, so that
/// the other documents are looked at as well. A signal meanwhile ends the program at once.
LoadedDocument load_document_at(const std::string& path, const std::string& bucket_owner,
                                AwsReach& aws, const ActionCatalogue& actions,
                                const ValidationOptions& options);

/// The names of `--blocked-action-modules`; a name that no action has is an Error(usage), as it
/// would block nothing.
std::vector<std::string> parse_blocked_actions(const std::string& list,
                                               const ActionCatalogue& actions);

/// The names of `--phases`, without blanks around them.
std::vector<std::string> parse_phases(const std::string& list);

}  // namespace toehold
