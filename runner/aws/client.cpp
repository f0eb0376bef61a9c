#include "runner/aws/client.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "runner/base/digest.hpp"
#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

namespace toehold::aws {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_answer_bytes = 16u << 20;
constexpr std::chrono::milliseconds first_wait(500);
constexpr std::chrono::milliseconds longest_wait(20000);
constexpr std::chrono::milliseconds longest_look_away(2000);  // from how fast calls may be made

std::string payload_hash(const Call& call) {
  if (!call.upload.read) return digest_of(DigestAlgorithm::sha256, call.body);
  Digest digest(DigestAlgorithm::sha256);
  std::string buffer(1 << 18, '\0');
  for (std::uint64_t at = 0; at < call.upload.size;) {
    const std::size_t count = call.upload.read(at, buffer.data(), buffer.size());
    digest.update(std::string_view(buffer).substr(0, count));
    at += count;
  }
  return digest.finish();
}

}  // namespace

std::optional<std::string> Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

/// One try of a call, and what the tries before it have found out.
struct Client::Try {
  const Call& call;
  Credentials credentials;
  std::string region;
  std::int64_t skew = 0;  // of our clock, when it was signed
  int attempt = 1;
  bool renewed = false;
  bool corrected = false;
  bool moved = false;
  std::optional<CallRate::Turn> turn{};  // taken, and not used yet
  milliseconds waited_for_turn{0};       // what of that the deadline has not been put off by
};

Client::Client(Session& session) : Client(session, session.make_http()) {}

Client::Client(Session& session, std::unique_ptr<HttpClient> http)
    : session_(session), http_(std::move(http)) {}

Answer Client::send(const Call& call, const Control& given) {
  Control control = given;
  Try now{call, {}, call.region, 0, 1, false, false, false};
  if (!call.bucket.empty() && now.region.empty()) now.region = session_.bucket_region(call.bucket);
  if (now.region.empty()) now.region = session_.region(control.deadline, control.stop);
  if (call.sign) now.credentials = session_.credentials(control.deadline, control.stop);
  for (;; ++now.attempt) {
    now.skew = session_.clock_skew();
    if (!wait_for_turn(now, control)) {
      Answer answer;
      answer.failure.emplace().ending = Error::Kind::cancelled;
      return answer;
    }
    Answer answer = attempt(now, control);
    session_.rates().note(now.region, call.service->signing_name, call.operation,
                          answer.failure && is_throttling(*answer.failure),
                          session_.clock().monotonic());
    if (!answer.failure) return answer;
    answer.failure->attempts = now.attempt;
    if (prepare_retry(now, answer, control)) continue;
    if (control.stop.stop_requested()) answer.failure->ending = Error::Kind::cancelled;
    return answer;
  }
}

void Client::take_turn(Try& now) {
  now.turn = session_.rates().take_turn(now.region, now.call.service->signing_name,
                                        now.call.operation, session_.clock().monotonic());
}

/// The time until then is not the call's: its deadline is put off by as much. The rate is looked at
/// again and again: what was slow for a while must not hold up whoever came then.
bool Client::wait_for_turn(Try& now, Control& control) {
  if (!now.turn) take_turn(now);
  const CallRate::Turn turn = *std::exchange(now.turn, std::nullopt);
  const auto waited = std::exchange(now.waited_for_turn, milliseconds(0));
  if (!control.deadline.never()) control.deadline = Deadline(*control.deadline.at() + waited);
  for (;;) {
    const auto left = session_.rates().until(turn, now.region, now.call.service->signing_name,
                                             now.call.operation, session_.clock().monotonic());
    if (left.count() == 0) return true;
    const auto pause = std::min(left, longest_look_away);
    if (!control.deadline.never()) control.deadline = Deadline(*control.deadline.at() + pause);
    if (!session_.clock().sleep_for(pause, control.stop)) return false;
  }
}

Answer Client::require(const Call& call, const Control& control) {
  Answer answer = send(call, control);
  if (answer.failure) throw error_of(call, *answer.failure, control);
  return answer;
}

Error Client::error_of(const Call& call, const Failure& failure, const Control& control) {
  std::string source = call.identity;
  if (call.sign) source = session_.credentials(control.deadline, control.stop).source;
  return error_for(call, failure, source);
}

HttpRequest Client::build(const Try& now, const Control& control) {
  const Call& call = now.call;
  const Settings& settings = session_.settings();
  const Endpoint endpoint = call.bucket.empty()
                                ? endpoint_of(*call.service, now.region, settings)
                                : bucket_endpoint(call.bucket, now.region, settings);
  SignRequest to_sign;
  to_sign.method = call.method;
  to_sign.query = call.query;
  to_sign.headers = call.headers;
  if (call.headers_of_try) {
    for (auto& header : call.headers_of_try()) to_sign.headers.push_back(std::move(header));
  }
  to_sign.path = endpoint.base_path + call.path;
  to_sign.host = endpoint.host;
  const bool unsigned_payload = call.unsigned_payload && endpoint.scheme == "https";
  to_sign.payload_hash = unsigned_payload ? "UNSIGNED-PAYLOAD" : payload_hash(call);

  HttpRequest request;
  request.method = call.method;
  request.url = endpoint.scheme + "://" + endpoint.host + to_sign.path;
  if (!call.query.empty()) request.url += "?" + query_text(call.query);
  request.headers = to_sign.headers;
  if (call.sign) {
    const bool is_s3 = call.service == &services::s3;
    const SignScope scope{endpoint.signing_region, call.service->signing_name, !is_s3, is_s3};
    for (auto& header : sign(to_sign, scope, now.credentials, session_.now())) {
      request.headers.push_back(std::move(header));
    }
  }
  request.body = call.body;
  request.upload = call.upload;
  request.stall_timeout = call.stall_timeout;
  request.path_as_is = true;
  request.max_redirects = 0;  // a signature is for one host; S3's redirects are for us to follow
  request.deadline = control.deadline;
  request.ca_bundle = settings.ca_bundle;
  return request;
}

Answer Client::attempt(const Try& now, const Control& control) {
  const Call& call = now.call;
  HttpRequest request = build(now, control);
  std::string body;
  bool streaming = false;
  request.on_head = [&](const HttpResponse& head) {
    const bool success = head.status >= 200 && head.status < 300;
    streaming = success && call.on_body;
    return !success || !call.on_head || call.on_head(head);
  };
  const HttpResponse response = http_->send(
      request,
      [&](std::string_view bytes) {
        if (streaming) return call.on_body(bytes);
        body += bytes;
        return body.size() <= most_answer_bytes;
      },
      control.stop);
  Answer answer{response.status, response.headers, std::move(body), {}};
  if (!response.transport_error.empty()) {
    Failure failure;
    failure.message = response.transport_error;
    failure.may_pass = response.retryable;
    if (control.stop.stop_requested()) {
      failure.ending = Error::Kind::cancelled;
    } else if (control.deadline.passed(session_.clock().monotonic())) {
      failure.ending = Error::Kind::timeout;
    }
    answer.failure = std::move(failure);
  } else if (response.status < 200 || response.status > 299) {
    answer.failure = read_failure(response, answer.body);
  }
  return answer;
}

/// What is to be put right before the next try, or false when there is none.
bool Client::prepare_retry(Try& now, const Answer& answer, const Control& control) {
  const Call& call = now.call;
  const Failure& failure = *answer.failure;
  if (failure.ending != Error::Kind::network) return false;
  if (!call.bucket.empty() && !now.moved && is_other_region(failure) &&
      failure.region != now.region) {
    now.moved = true;
    now.region = failure.region;
    session_.set_bucket_region(call.bucket, failure.region);
    return true;
  }
  if (!now.corrected && may_be_skew(failure)) {
    const auto date = http_date(answer.header("date").value_or(""));
    // Another thread may have corrected it since this try was signed.
    if (date && session_.correct_clock(*date) != now.skew) {
      now.corrected = true;
      if (control.note) control.note("this machine's clock is off; going by the service's");
      return true;
    }
  }
  if (call.sign && !now.renewed && is_expired(failure)) {
    now.renewed = true;
    const std::string old = now.credentials.access_key_id;
    const std::string old_token = now.credentials.session_token;
    now.credentials = session_.credentials(control.deadline, control.stop, old);
    return now.credentials.session_token != old_token || now.credentials.access_key_id != old;
  }
  if (now.attempt >= session_.settings().max_attempts) return false;
  const bool again =
      is_throttling(failure) || (call.repeatable && (failure.may_pass || is_transient(failure)));
  return again && wait(now, answer, control);
}

/// Its turn comes nearer meanwhile: one wait, as long as the longer of both.
bool Client::wait(Try& now, const Answer& answer, const Control& control) {
  const Failure& failure = *answer.failure;
  const auto most = std::min(longest_wait, first_wait * (1 << std::min(now.attempt - 1, 10)));
  const auto random = std::strtoul(random_hex(4).c_str(), nullptr, 16);
  auto pause = std::chrono::milliseconds(random % static_cast<unsigned long>(most.count() + 1));
  if (const auto asked = Value(answer.header("retry-after").value_or("")).as_int()) {
    pause = std::max(pause, std::min(longest_wait, std::chrono::milliseconds(*asked * 1000)));
  }
  const auto ends = session_.clock().monotonic() + pause;
  if (control.deadline.passed(ends)) return false;
  if (control.note) {
    std::string why = failure.code.empty() ? failure.message : failure.code;
    if (why.empty()) why = "status " + std::to_string(failure.status);
    control.note(why + "; trying again");
  }
  take_turn(now);
  const auto left = session_.rates().until(*now.turn, now.region, now.call.service->signing_name,
                                           now.call.operation, session_.clock().monotonic());
  const auto both = std::max(pause, std::min(left, longest_look_away));
  now.waited_for_turn = both - pause;
  return session_.clock().sleep_for(both, control.stop);
}

Call json_call(const Service& service, const std::string& target, const std::string& body) {
  Call call;
  call.service = &service;
  call.operation = target.substr(target.find('.') + 1);
  call.headers = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}};
  call.body = body;
  return call;
}

}  // namespace toehold::aws
