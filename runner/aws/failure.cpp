#include "runner/aws/failure.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "runner/aws/client.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

template <std::size_t N>
bool is_one_of(const std::string& code, const std::array<const char*, N>& table) {
  return std::any_of(table.begin(), table.end(), [&](const char* item) { return code == item; });
}

// As the SDKs have them (botocore's _retry.json and retries/standard.py).
constexpr std::array throttling_codes{"Throttling",
                                      "ThrottlingException",
                                      "ThrottledException",
                                      "RequestThrottledException",
                                      "RequestThrottled",
                                      "TooManyRequestsException",
                                      "ProvisionedThroughputExceededException",
                                      "TransactionInProgressException",
                                      "RequestLimitExceeded",
                                      "BandwidthLimitExceeded",
                                      "LimitExceededException",
                                      "SlowDown",
                                      "PriorRequestNotComplete",
                                      "EC2ThrottledException"};
constexpr std::array transient_codes{"RequestTimeout",
                                     "RequestTimeoutException",
                                     "InternalError",
                                     "InternalFailure",
                                     "InternalServerError",
                                     "ServiceUnavailable",
                                     "ServiceUnavailableException"};
constexpr std::array expired_codes{"ExpiredToken", "ExpiredTokenException", "RequestExpired",
                                   "TokenRefreshRequired"};
// RequestExpired and the signature errors come from a clock that is off, too.
constexpr std::array skew_codes{"RequestTimeTooSkewed",  "RequestExpired",
                                "RequestInTheFuture",    "InvalidSignatureException",
                                "SignatureDoesNotMatch", "AuthFailure"};
constexpr std::array denied_codes{"AccessDenied",
                                  "AccessDeniedException",
                                  "UnauthorizedOperation",
                                  "UnauthorizedException",
                                  "NotAuthorized",
                                  "AuthorizationError",
                                  "ForbiddenException",
                                  "Forbidden",
                                  "403"};
constexpr std::array unknown_key_codes{"InvalidAccessKeyId", "InvalidClientTokenId",
                                       "UnrecognizedClientException", "AuthFailure"};

std::string text_of(const Value& body, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const Value* value = body.find(name); value && value->is_scalar()) return value->text();
  }
  return {};
}

void read_json(const std::string& body, Failure& failure) {
  const Value answer = parse_json(body);
  if (failure.code.empty()) failure.code = text_of(answer, {"__type", "code", "Code"});
  failure.message = text_of(answer, {"message", "Message", "errorMessage"});
}

/// S3's <Error>, the <ErrorResponse><Error> of query services and EC2's <Response><Errors><Error>.
void read_xml(const std::string& body, Failure& failure) {
  const Value answer = parse_xml(body);
  const Value* error = nullptr;
  const auto step = [](const Value* from, const char* name) {
    return from ? from->find(name) : nullptr;
  };
  if ((error = answer.find("Error")) == nullptr) {
    error = step(answer.find("ErrorResponse"), "Error");
  }
  if (!error) error = step(step(answer.find("Response"), "Errors"), "Error");
  if (failure.request_id.empty()) failure.request_id = text_at(answer, {"Response", "RequestID"});
  if (!error) return;
  failure.code = text_of(*error, {"Code"});
  failure.message = text_of(*error, {"Message"});
  failure.region = text_of(*error, {"Region"});
  if (failure.request_id.empty()) failure.request_id = text_of(*error, {"RequestId"});
}

std::string action_of(const Call& call) {
  if (!call.iam_action.empty()) return call.iam_action;
  return std::string(call.service->iam_prefix) + ":" + call.operation;
}

/// "s3:GetObject on s3://bucket/key". The call is not always what was denied: getting an object
/// wants kms:Decrypt, too, and then the service says so.
std::string denied_action(const Call& call, const Failure& failure) {
  const auto word_after = [&](std::string_view text) -> std::string {
    const std::size_t at = failure.message.find(text);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + text.size();
    const std::size_t end = failure.message.find_first_of(" \n", begin);
    std::string word = failure.message.substr(begin, end - begin);
    if (word.ends_with('.') || word.ends_with(',')) word.pop_back();
    return word;
  };
  std::string action = word_after("not authorized to perform: ");
  std::string resource = word_after("on resource: ");
  const bool is_action = action.find(':') != std::string::npos;
  if (!is_action || action == action_of(call)) {
    action = action_of(call);
    resource = call.resource;
  }
  return action + (resource.empty() ? "" : " on " + resource);
}

/// EC2's denials end with hundreds of letters that are for STS only.
constexpr std::string_view encoded_label = "Encoded authorization failure message: ";

std::string quoted_words(const Failure& failure) {
  std::string words = failure.code;
  const std::string message(trim(failure.message.substr(0, failure.message.find(encoded_label))));
  if (!message.empty()) words += (words.empty() ? "" : ": ") + message;
  if (words.empty()) words = "status " + std::to_string(failure.status);
  if (!failure.request_id.empty()) words += " (request id " + failure.request_id + ")";
  return words;
}

}  // namespace

Failure read_failure(const HttpResponse& response, const std::string& body) {
  Failure failure;
  failure.status = response.status;
  for (const char* name : {"x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"}) {
    if (failure.request_id.empty()) failure.request_id = response.header(name).value_or("");
  }
  failure.region = response.header("x-amz-bucket-region").value_or("");
  failure.code = response.header("x-amzn-errortype").value_or("");
  const std::string_view text = trim(body);
  const std::string region = failure.region;
  try {
    if (text.starts_with('{')) read_json(std::string(text), failure);
    if (text.starts_with('<')) read_xml(std::string(text), failure);
  } catch (const Error&) {
    // A proxy's page, or cut short: the status has to do.
  }
  if (!region.empty()) failure.region = region;
  // "com.amazonaws.ssm#ParameterNotFound:http://..." is a form that is around.
  failure.code = failure.code.substr(0, failure.code.find(':'));
  failure.code = failure.code.substr(failure.code.rfind('#') + 1);
  return failure;
}

bool is_throttling(const Failure& failure) {
  return failure.status == 429 || is_one_of(failure.code, throttling_codes);
}

bool is_transient(const Failure& failure) {
  const long status = failure.status;
  // InsufficientInstanceCapacity and its like come with status 500 and do not pass in seconds.
  if (failure.code.starts_with("Insufficient")) return false;
  return status == 500 || status == 502 || status == 503 || status == 504 ||
         is_one_of(failure.code, transient_codes);
}

bool is_expired(const Failure& failure) {
  return is_one_of(failure.code, expired_codes);
}

bool may_be_skew(const Failure& failure) {
  // An answer to HEAD has no body and so no code.
  return is_one_of(failure.code, skew_codes) || (failure.status == 403 && failure.code.empty());
}

bool is_other_region(const Failure& failure) {
  const bool moved = failure.status == 301 || failure.status == 307 || failure.status == 400;
  return moved && !failure.region.empty();
}

std::string encoded_authorization_message(const Failure& failure) {
  const std::size_t label = failure.message.find(encoded_label);
  if (label == std::string::npos) return {};
  const std::size_t begin = label + encoded_label.size();
  return failure.message.substr(begin, failure.message.find_first_of(" \n", begin) - begin);
}

std::optional<UnixMillis> http_date(const std::string& text) {
  std::tm time{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (!end || *end != '\0') return std::nullopt;
  return static_cast<UnixMillis>(::timegm(&time)) * 1000;
}

Error error_for(const Call& call, const Failure& failure, const std::string& credentials_source) {
  const std::string on = call.resource.empty() ? "" : " on " + call.resource;
  const std::string tries =
      failure.attempts > 1 ? ", in attempt " + std::to_string(failure.attempts) : "";
  if (failure.status == 0 || failure.ending == Error::Kind::cancelled) {
    const std::string words = failure.status == 0 ? failure.message : "cancelled";
    return Error(failure.ending, std::string(call.service->name) + " " + call.operation + on +
                                     ": " + words + tries);
  }
  const bool denied =
      is_one_of(failure.code, denied_codes) || (failure.status == 403 && failure.code.empty());
  if (denied) {
    const std::string action = denied_action(call, failure);
    return Error(Error::Kind::aws,
                 action + " is not allowed for the credentials of " + credentials_source + ": " +
                     quoted_words(failure),
                 "allow " + action + " in the policy of that role or user");
  }
  std::string hint;
  if (is_expired(failure)) {
    hint = "the credentials of " + credentials_source + " are over; renew them";
  } else if (is_one_of(failure.code, unknown_key_codes)) {
    hint = "AWS does not know the credentials of " + credentials_source;
  } else if (is_one_of(failure.code, skew_codes)) {
    hint = "check the secret key of " + credentials_source + ", and this machine's clock";
  }
  const bool trouble = is_throttling(failure) || is_transient(failure);
  return Error(trouble ? Error::Kind::network : Error::Kind::aws,
               std::string(call.service->name) + " " + call.operation + on + ": " +
                   quoted_words(failure) + tries,
               hint);
}

}  // namespace toehold::aws
