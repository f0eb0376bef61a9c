// Failure: what a service answered instead of doing it, read from XML, JSON or headers, and what
// kind of failure that is. Called by Client, and by services that expect one (a log group that
// exists already). Never retries anything itself.
#pragma once

#include <optional>
#include <string>

#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/http.hpp"

namespace toehold::aws {

struct Failure {
  long status = 0;   // 0: no answer came
  std::string code;  // "AccessDenied", "ThrottlingException"; empty for the network
  std::string message;
  std::string request_id;
  std::string region;  // of S3: where the bucket is
  int attempts = 1;
  bool may_pass = false;  // of status 0: trouble of the network that may pass by itself
  /// How a call without an answer ended: network, timeout; or cancelled, which may also come
  /// between two tries, when status and code are those of the last.
  Error::Kind ending = Error::Kind::network;
};

Failure read_failure(const HttpResponse& response, const std::string& body);

/// Not done because of too many calls: may be repeated whatever the call is.
bool is_throttling(const Failure& failure);
/// The service's trouble, which may pass; the call may have been done.
bool is_transient(const Failure& failure);
bool is_expired(const Failure& failure);
/// Could come from a clock that is off: look at the answer's date.
bool may_be_skew(const Failure& failure);
/// S3: the bucket is in `failure.region`.
bool is_other_region(const Failure& failure);

/// What EC2 hides in the message of a denial, for sts:DecodeAuthorizationMessage; empty when there
/// is nothing.
std::string encoded_authorization_message(const Failure& failure);

/// `Wed, 25 Nov 2026 12:00:00 GMT`
std::optional<UnixMillis> http_date(const std::string& text);

}  // namespace toehold::aws
