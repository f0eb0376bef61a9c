#include "runner/agent/remote_text.hpp"

#include "runner/aws/image_builder.hpp"
#include "runner/aws/s3_calls.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_bytes = 4u << 20;  // more is no document to the YAML reader either
constexpr int most_tries = 3;
constexpr std::chrono::seconds pause_between(1);
constexpr std::string_view digest_mark = "#sha256=";

Error too_large(const std::string& name) {
  return Error(Error::Kind::io, name + " is larger than " + format_size(most_bytes),
               "a document has at most that; keep large texts in files of their own");
}

/// Whether `text` took the piece.
bool append(std::string& text, std::string_view piece) {
  if (text.size() + piece.size() > most_bytes) return false;
  text += piece;
  return true;
}

std::string read_object(const std::string& name, const std::string& bucket_owner, AwsReach& aws) {
  auto address = parse_object_address(name);
  if (!address || address->key.empty()) {
    throw Error(Error::Kind::usage, name + " names no object", "write s3://BUCKET/KEY");
  }
  address->expected_owner = bucket_owner;
  std::string text;
  bool fits = true;
  aws::Call call = aws::get_call(*address);
  call.on_head = [&](const HttpResponse&) {
    text.clear();  // of an earlier try
    return true;
  };
  call.on_body = [&](std::string_view piece) { return fits = append(text, piece); };
  const aws::Answer answer = aws.client().send(call, aws.control());
  if (!fits) throw too_large(name);
  if (!answer.failure) return text;
  const std::string& code = answer.failure->code;
  if (code == "NoSuchKey") {
    throw Error(Error::Kind::aws, "there is no " + name,
                "list the keys: aws s3 ls s3://" + address->bucket);
  }
  if (code == "NoSuchBucket") {
    throw Error(Error::Kind::aws, "there is no bucket " + address->bucket + " for " + name,
                "list the buckets: aws s3 ls");
  }
  aws::throw_failure(aws.client(), call, *answer.failure, aws.control());
}

/// Takes the digest off `url`.
std::string split_digest(std::string& url) {
  const std::size_t mark = url.find('#');
  const std::string shown = document_for_display(url.substr(0, mark));
  const std::string fragment = mark == std::string::npos ? "" : url.substr(mark);
  const std::string digest =
      fragment.starts_with(digest_mark) ? lower(fragment.substr(digest_mark.size())) : "";
  const bool whole =
      digest.size() == 64 && digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!whole) {
    throw Error(Error::Kind::usage,
                shown + ": a document from the web needs the SHA-256 that it must have",
                "see that it is the right one, then write " + shown + std::string(digest_mark) +
                    "HEX; curl -sL URL | sha256sum prints it");
  }
  url.resize(mark);
  return digest;
}

std::string read_web(std::string url, AwsReach& aws) {
  const std::string digest = split_digest(url);
  const std::string shown = document_for_display(url);
  const aws::Control limits = aws.control();
  HttpRequest request;
  request.url = url;
  request.deadline = limits.deadline;
  std::string text;
  bool fits = true;
  HttpResponse response;
  for (int attempt = 1;; ++attempt) {
    text.clear();
    response = aws.http().send(
        request, [&](std::string_view piece) { return fits = append(text, piece); }, limits.stop);
    const bool may_pass = response.transport_error.empty()
                              ? response.status == 429 || response.status >= 500
                              : response.retryable;
    if (!fits || !may_pass || attempt == most_tries ||
        !aws.session().clock().sleep_for(pause_between, limits.stop)) {
      break;
    }
  }
  if (!fits) throw too_large(shown);
  if (!response.transport_error.empty()) {
    throw Error(Error::Kind::network, shown + ": " + response.transport_error);
  }
  if (response.status != 200) {
    throw Error(Error::Kind::network,
                shown + ": the server answered with status " + std::to_string(response.status));
  }
  const std::string found = digest_of(DigestAlgorithm::sha256, text);
  if (found != digest) {
    throw Error(Error::Kind::network, shown + " has the SHA-256 " + found + ", not " + digest,
                "see what has changed in it; if that is meant, write " + shown +
                    std::string(digest_mark) + found);
  }
  return text;
}

}  // namespace

std::string read_remote_text(const std::string& name, const std::string& bucket_owner,
                             AwsReach& aws) {
  if (name.starts_with("s3://")) return read_object(name, bucket_owner, aws);
  if (name.starts_with("https://")) return read_web(name, aws);
  if (aws::is_image_builder_arn(name)) {
    std::string text = aws::get_component(aws.client(), name, aws.control());
    if (text.size() > most_bytes) throw too_large(name);
    return text;
  }
  if (name.starts_with("http://")) {
    throw Error(Error::Kind::usage,
                document_for_display(name) + ": documents are not taken over plain http",
                "write https://");
  }
  throw Error(Error::Kind::usage, document_for_display(name) + " is no document's name",
              "write a path, s3://BUCKET/KEY, https://HOST/PATH#sha256=HEX or the ARN of a "
              "component");
}

std::string document_for_display(const std::string& name) {
  const bool is_url = name.starts_with("https://") || name.starts_with("http://");
  return is_url ? url_for_display(name) : name;
}

}  // namespace toehold
