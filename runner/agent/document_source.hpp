// Where documents come from: a path, "-" for standard input, or another place (remote_text).
// Called by run, validate and ExecuteDocument; reads, never judges.
#pragma once

#include <string>

#include "runner/agent/aws_reach.hpp"
#include "runner/base/source.hpp"

namespace toehold {

/// `bucket_owner`: the account that must own a document's bucket, or empty. Throws Error when it
/// cannot be read.
SourcePtr read_document_source(const std::string& path, const std::string& bucket_owner,
                               AwsReach& aws);

/// A path, or "-". Throws Error(io).
SourcePtr read_document_file(const std::string& path);

/// The list of `-d a.yml,b.yml`: split at commas; an empty item is an Error(usage).
std::vector<std::string> split_document_list(const std::string& list);

}  // namespace toehold
