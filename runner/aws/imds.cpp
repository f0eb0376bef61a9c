#include "runner/aws/imds.hpp"

#include <algorithm>

#include "runner/aws/sigv4.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::chrono::seconds token_lives(6 * 3600);
constexpr std::chrono::seconds renewed_before(60);
constexpr std::size_t most_bytes = 1u << 20;
constexpr int attempts_on_ec2 = 3;
constexpr std::chrono::milliseconds pause(200);

const char* const off_ec2 =
    "this needs an EC2 instance; in a container on one, its metadata hop limit must be 2 or more";

bool may_pass(const HttpResponse& response) {
  return !response.transport_error.empty() || response.status == 429 || response.status >= 500;
}

}  // namespace

Imds::Imds(const Settings& settings, HttpClient& http, Clock& clock)
    : settings_(settings), http_(http), clock_(clock) {}

std::optional<std::string> Imds::get(const std::string& path, Deadline deadline,
                                     std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  if (settings_.imds_disabled) {
    throw Error(Error::Kind::aws, "instance metadata is disabled",
                "unset AWS_EC2_METADATA_DISABLED");
  }
  if (!unreachable_.empty()) throw Error(Error::Kind::aws, unreachable_, off_ec2);
  for (bool again = false;; again = true) {
    if (token_.empty() || clock_.monotonic() >= token_ends_) renew_token(deadline, stop);
    HttpRequest request;
    request.url = settings_.imds_endpoint + "/latest/" + uri_escape(path, true);
    request.headers = {{"X-aws-ec2-metadata-token", token_}};
    std::string body;
    const HttpResponse response = ask(request, body, deadline, stop);
    if (response.transport_error.empty() && response.status == 200) return body;
    if (response.transport_error.empty() && response.status == 404) return std::nullopt;
    if (response.status != 401 || again) fail(response);
    token_.clear();  // ended before its time, as after a stop and start of the instance
  }
}

void Imds::renew_token(Deadline deadline, std::stop_token stop) {
  HttpRequest request;
  request.method = "PUT";
  request.url = settings_.imds_endpoint + "/latest/api/token";
  request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", std::to_string(token_lives.count())}};
  std::string body;
  const HttpResponse response = ask(request, body, deadline, stop);
  const std::string_view token = trim(body);
  const bool is_token = token.find_first_of("\r\n") == std::string_view::npos && !token.empty();
  if (!response.transport_error.empty() || response.status != 200 || !is_token) fail(response);
  token_ = token;
  token_ends_ = clock_.monotonic() + token_lives - renewed_before;
}

/// The last response after the tries that the settings allow; more where there was an answer
/// before.
HttpResponse Imds::ask(HttpRequest request, std::string& body, Deadline deadline,
                       std::stop_token stop) {
  const int attempts =
      std::max(settings_.imds_attempts, token_ends_ == Monotonic() ? 1 : attempts_on_ec2);
  const std::chrono::seconds timeout(settings_.imds_timeout_seconds);
  request.use_proxy = false;
  request.max_redirects = 0;
  request.connect_timeout = timeout;
  for (int attempt = 1;; ++attempt) {
    const Monotonic ends = clock_.monotonic() + timeout;
    request.deadline = Deadline(deadline.never() ? ends : std::min(ends, *deadline.at()));
    body.clear();
    const HttpResponse response = http_.send(
        request,
        [&](std::string_view bytes) {
          body += bytes;
          return body.size() <= most_bytes;
        },
        stop);
    if (stop.stop_requested()) {
      throw Error(Error::Kind::cancelled, "cancelled while asking instance metadata");
    }
    if (!response.transport_error.empty() && deadline.passed(clock_.monotonic())) {
      throw Error(Error::Kind::timeout, "timed out while asking instance metadata");
    }
    if (!may_pass(response) || attempt >= attempts) return response;
    clock_.sleep_for(pause * attempt, stop);
  }
}

void Imds::fail(const HttpResponse& response) {
  const std::string at = " at " + settings_.imds_endpoint;
  std::string why;
  std::string hint = off_ec2;
  if (!response.transport_error.empty()) {
    why = "instance metadata" + at + " does not answer: " + response.transport_error;
  } else if (response.status == 403) {
    why = "instance metadata" + at + " refuses to answer (status 403)";
    hint = "enable it: aws ec2 modify-instance-metadata-options --http-endpoint enabled";
  } else {
    why = "instance metadata" + at + " answers with status " + std::to_string(response.status);
  }
  // Where it has answered once, it may do so again.
  if (token_ends_ == Monotonic()) unreachable_ = why;
  throw Error(Error::Kind::aws, why, hint);
}

std::optional<std::string> Imds::identity(const char* key, Deadline deadline,
                                          std::stop_token stop) {
  const auto document = get("dynamic/instance-identity/document", deadline, stop);
  if (!document) return std::nullopt;
  try {
    const Value identity = parse_json(*document);
    const Value* value = identity.find(key);
    return value && !value->text().empty() ? std::optional(value->text()) : std::nullopt;
  } catch (const Error& error) {
    throw Error(Error::Kind::aws,
                "the instance identity document cannot be read: " + std::string(error.what()));
  }
}

std::optional<std::string> Imds::region(Deadline deadline, std::stop_token stop) {
  if (auto region = identity("region", deadline, stop)) return region;
  return get("meta-data/placement/region", deadline, stop);
}

std::optional<std::string> Imds::account_id(Deadline deadline, std::stop_token stop) {
  return identity("accountId", deadline, stop);
}

}  // namespace toehold::aws
