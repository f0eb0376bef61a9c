// Text of documents and configurations that lie elsewhere: s3://bucket/key, https:// with its
// digest, and components of Image Builder. Called by document_source; keeps nothing, writes no
// file. What comes is untrusted: its size is limited, and who gave it is known, by its signature
// key or by the digest.
#pragma once

#include <string>

#include "runner/agent/aws_reach.hpp"

namespace toehold {

/// The text of `name`, a name that is_remote_document(). `bucket_owner`: the account that must own
/// the bucket, or empty. Throws Error that says what was tried and what to write instead.
std::string read_remote_text(const std::string& name, const std::string& bucket_owner,
                             AwsReach& aws);

/// The name for messages: a URL without what stands after `?`, which may be a signature.
std::string document_for_display(const std::string& name);

}  // namespace toehold
