// Client: one signed call to a service, retried where that is safe, its failures in words that say
// what is missing and what to do. Called by the service files (s3, ssm, logs, image_builder); it
// knows none of them. One per thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runner/aws/endpoint.hpp"
#include "runner/aws/failure.hpp"
#include "runner/aws/session.hpp"
#include "runner/aws/sigv4.hpp"
#include "runner/base/error.hpp"

namespace toehold::aws {

struct Call {
  const Service* service = nullptr;
  std::string operation;  // "GetObject": in messages and for the IAM action
  std::string method = "POST";
  std::string path = "/";  // escaped
  Query query;
  HttpHeaders headers;
  std::string body;
  HttpUpload upload;              // instead of `body`, if it has a `read`
  std::string bucket;             // S3 only: becomes part of the host or of the path
  std::string region;             // empty: the session's
  std::string resource;           // what a message calls it: "s3://bucket/key", "parameter /a/b"
  std::string iam_action;         // empty: made of service and operation
  bool repeatable = true;         // false: only retried when the call cannot have had its effect
  bool sign = true;               // false for sts:AssumeRoleWithWebIdentity
  std::string identity;           // who asks when it is not signed: for messages
  bool unsigned_payload = false;  // S3 over TLS: the body is not hashed
  std::chrono::seconds stall_timeout{60};  // as HttpRequest has it
  /// What differs from one try to the next (a range to go on with); asked at each, may be empty.
  std::function<HttpHeaders()> headers_of_try;
  /// With these the body of a success is streamed; not called for failures. `on_head` is called
  /// once per try, before the first piece; it can refuse (false) to end the call.
  OnHead on_head;
  OnBody on_body;
};

struct Control {
  Deadline deadline;
  std::stop_token stop;
  std::function<void(const std::string&)> note;  // "throttled, trying again": may be empty
};

struct Answer {
  long status = 0;
  HttpHeaders headers;
  std::string body;  // empty when streamed
  std::optional<Failure> failure;
  std::optional<std::string> header(std::string_view name) const;
};

class Client {
 public:
  explicit Client(Session& session);
  Client(Session& session, std::unique_ptr<HttpClient> http);

  /// The answer, also when it is a failure, after all retries: throttling, 5xx and dropped
  /// connections with full jitter, an expired token once with new credentials, a clock that is off
  /// once with the service's time, S3's redirect to another region once. Throws Error for what
  /// never reached the service (no credentials, no region), and what the callbacks throw.
  Answer send(const Call& call, const Control& control);
  /// The same; a failure is thrown as Error(aws), or (network), (timeout), (cancelled). Throttling
  /// and trouble of the service that outlast all tries are (network): they pass as its trouble
  /// does, and who waits for something asks again.
  Answer require(const Call& call, const Control& control);
  /// What such a failure is as an error, with whose credentials the call was made.
  Error error_of(const Call& call, const Failure& failure, const Control& control);

  Session& session() { return session_; }

 private:
  struct Try;
  Answer attempt(const Try& now, const Control& control);
  HttpRequest build(const Try& now, const Control& control);
  void take_turn(Try& now);
  bool wait_for_turn(Try& now, Control& control);
  bool prepare_retry(Try& now, const Answer& answer, const Control& control);
  bool wait(Try& now, const Answer& answer, const Control& control);

  Session& session_;
  std::unique_ptr<HttpClient> http_;
};

/// "s3:GetObject on s3://bucket/key was denied ..." with the permission, the resource, the
/// service's words and request id; what to do is the hint.
Error error_for(const Call& call, const Failure& failure, const std::string& credentials_source);

/// A JSON 1.1 call: `target` is "AmazonSSM.GetParameter"; `body` a JSON object.
Call json_call(const Service& service, const std::string& target, const std::string& body);

}  // namespace toehold::aws
