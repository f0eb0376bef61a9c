// Signature Version 4: a pure function of request, credentials and time, as headers or as a
// presigned URL. Called by Client and for presigning; never reads a clock, never sends anything.
// Source: "Create a signed AWS API request" of the IAM User Guide, and the published test vectors.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/aws/credentials.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/http.hpp"

namespace toehold::aws {

inline constexpr const char* signing_algorithm = "AWS4-HMAC-SHA256";

using Query = std::vector<std::pair<std::string, std::string>>;  // as they mean, not escaped

struct SignRequest {
  std::string method = "GET";
  std::string host;        // as in the Host header, with a port that is not the scheme's own
  std::string path = "/";  // escaped once, as it goes over the wire
  Query query;
  HttpHeaders headers;       // to be signed besides host and x-amz-*; others may be added unsigned
  std::string payload_hash;  // hex SHA-256 of the body, or "UNSIGNED-PAYLOAD"
};

struct SignScope {
  std::string region;
  std::string service;         // the signing name: "s3", "ssm", "logs" ...
  bool normalize_path = true;  // false for S3: the path is neither normalized nor escaped again
  bool content_hash_header = false;  // true for S3: x-amz-content-sha256
};

/// The headers to add: x-amz-date, x-amz-security-token, x-amz-content-sha256, authorization.
HttpHeaders sign(const SignRequest& request, const SignScope& scope, const Credentials& credentials,
                 UnixMillis now);

/// The query to send instead of signed headers, X-Amz-Signature last. `valid_for`: 1 s to 7 days.
/// The token of temporary credentials is in it, so it ends with them at the latest.
Query presign(const SignRequest& request, const SignScope& scope, const Credentials& credentials,
              UnixMillis now, std::chrono::seconds valid_for);

/// RFC 3986: all but A-Z a-z 0-9 - . _ ~ becomes %XX; with `keep_slash` the slashes stay.
std::string uri_escape(std::string_view text, bool keep_slash = false);
/// `a=b&c=d`, escaped, in the order given.
std::string query_text(const Query& query);

/// "KEY/20150830/us-east-1/s3/aws4_request"
std::string credential_text(const Credentials& credentials, const SignScope& scope, UnixMillis now);
/// Hex HMAC of a text with the key of day, region and service: of a string to sign, or of the
/// policy of a POST.
std::string signature_of(const std::string& text, const SignScope& scope,
                         const Credentials& credentials, UnixMillis now);

/// The steps by themselves, for the vectors.
std::string canonical_request(const SignRequest& request, const SignScope& scope,
                              const HttpHeaders& signed_headers);
std::string string_to_sign(const std::string& canonical, const SignScope& scope, UnixMillis now);

}  // namespace toehold::aws
