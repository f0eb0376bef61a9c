#include "runner/aws/s3_presign.hpp"

#include <algorithm>

#include "runner/aws/sigv4.hpp"
#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"

namespace toehold::aws {

namespace {

SignScope scope_of(const PresignScope& scope) {
  return {scope.endpoint.signing_region, services::s3.signing_name, false, true};
}

}  // namespace

PresignScope presign_scope(Session& session, const std::string& bucket, const std::string& region,
                           std::chrono::seconds at_most, Deadline deadline, std::stop_token stop) {
  std::string place = region.empty() ? session.bucket_region(bucket) : region;
  if (place.empty()) place = session.region(deadline, stop);
  PresignScope scope;
  scope.endpoint = bucket_endpoint(bucket, place, session.settings());
  scope.credentials = session.credentials(deadline, stop);
  scope.now = session.now();
  scope.valid_for = std::max(at_most, std::chrono::seconds(1));
  if (const auto expires = scope.credentials.expires) {
    const std::chrono::seconds left((*expires - scope.now) / 1000);
    scope.valid_for = std::clamp(left, std::chrono::seconds(1), scope.valid_for);
  }
  return scope;
}

std::string presigned_url(const PresignScope& scope, const std::string& method,
                          const ObjectAddress& address) {
  SignRequest request;
  request.method = method;
  request.host = scope.endpoint.host;
  request.path = scope.endpoint.base_path + "/" + uri_escape(address.key, true);
  request.payload_hash = "UNSIGNED-PAYLOAD";
  const Query query =
      presign(request, scope_of(scope), scope.credentials, scope.now, scope.valid_for);
  return scope.endpoint.scheme + "://" + request.host + request.path + "?" + query_text(query);
}

PostPolicy presigned_post(const PresignScope& scope, const ObjectAddress& prefix,
                          std::uint64_t most_bytes) {
  const SignScope sign_scope = scope_of(scope);
  const UnixMillis ends = scope.now + scope.valid_for.count() * 1000;
  PostPolicy post;
  post.url = scope.endpoint.url() + "/";
  post.fields = {{"x-amz-algorithm", signing_algorithm},
                 {"x-amz-credential", credential_text(scope.credentials, sign_scope, scope.now)},
                 {"x-amz-date", format_utc(scope.now, "%Y%m%dT%H%M%SZ")}};
  if (!scope.credentials.session_token.empty()) {
    post.fields.emplace_back("x-amz-security-token", scope.credentials.session_token);
  }
  Value::List conditions{
      Value(Value::List{"content-length-range", 0, static_cast<std::int64_t>(most_bytes)}),
      Value::object({{"bucket", prefix.bucket}}),
      Value(Value::List{"starts-with", "$key", prefix.key})};
  for (const auto& [name, value] : post.fields) {
    conditions.push_back(Value::object({{name, value}}));
  }
  const Value policy = Value::object(
      {{"expiration", rfc3339_utc(ends)}, {"conditions", Value(std::move(conditions))}});
  const std::string text = base64_encode(to_json(policy));
  post.fields.emplace_back("policy", text);
  post.fields.emplace_back("x-amz-signature",
                           signature_of(text, sign_scope, scope.credentials, scope.now));
  return post;
}

}  // namespace toehold::aws
