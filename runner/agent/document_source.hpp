// Where documents come from: a path, or "-" for standard input. Called by run, validate and
// ExecuteDocument; reads, never judges.
#pragma once

#include <string>

#include "runner/base/source.hpp"

namespace toehold {

/// Throws Error(io) when it cannot be read, Error(unsupported) for s3://, https:// and ARNs.
SourcePtr read_document_source(const std::string& path);

/// The list of `-d a.yml,b.yml`: split at commas; an empty item is an Error(usage).
std::vector<std::string> split_document_list(const std::string& list);

}  // namespace toehold
