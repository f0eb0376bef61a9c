// Requests to S3 that somebody without credentials can send: a presigned URL for one object, and a
// POST policy for all objects below a prefix. Called by the SSM transport, which hands them to an
// instance; sends nothing itself. They end with the credentials that signed them.
// Source: "Authenticating Requests: Using Query Parameters" and "Browser-Based Uploads Using POST"
// of the Amazon S3 API Reference.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runner/aws/endpoint.hpp"
#include "runner/aws/session.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::aws {

/// Who signs, where and until when.
struct PresignScope {
  Endpoint endpoint;  // of the bucket
  Credentials credentials;
  UnixMillis now = 0;
  std::chrono::seconds valid_for{900};
};
/// `region`: the bucket's; empty: what the session knows of it. `at_most`: cut down to what the
/// credentials still live. Throws Error(aws) without region or credentials.
PresignScope presign_scope(Session& session, const std::string& bucket, const std::string& region,
                           std::chrono::seconds at_most, Deadline deadline, std::stop_token stop);

/// `method`: "GET" or "PUT". A secret until it ends.
std::string presigned_url(const PresignScope& scope, const std::string& method,
                          const ObjectAddress& address);

/// What a multipart/form-data POST needs besides `key` and `file`, in the order to send it in.
struct PostPolicy {
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields;
};
/// For objects of up to `most_bytes` whose keys begin with `prefix.key`. A secret until it ends.
PostPolicy presigned_post(const PresignScope& scope, const ObjectAddress& prefix,
                          std::uint64_t most_bytes);

}  // namespace toehold::aws
