#include "runner/aws/s3_calls.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "runner/aws/xml.hpp"
#include "runner/base/number.hpp"

namespace toehold::aws {

namespace {

constexpr std::uint64_t most_pieces = 10000;  // parts that S3 takes
constexpr std::size_t page = 1000;

/// `%XX` and '+' as S3 writes keys that XML could not hold.
std::string url_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

}  // namespace

std::uint64_t piece_size(std::uint64_t object_size, std::uint64_t least) {
  if (object_size <= 2 * least) return object_size;
  return std::max(least, (object_size + most_pieces - 1) / most_pieces);
}

std::string resource_of(const ObjectAddress& address) {
  const std::string name = to_string(address);
  return address.expected_owner.empty() ? name : name + " of account " + address.expected_owner;
}

Call object_call(const char* operation, const char* method, const ObjectAddress& address) {
  Call call;
  call.service = &services::s3;
  call.operation = operation;
  call.method = method;
  call.path = "/" + uri_escape(address.key, true);
  call.bucket = address.bucket;
  call.resource = resource_of(address);
  call.unsigned_payload = true;
  if (!address.expected_owner.empty()) {
    call.headers.emplace_back("x-amz-expected-bucket-owner", address.expected_owner);
  }
  return call;
}

Call list_call(const ObjectAddress& prefix, std::size_t most, const std::string& continuation) {
  Call call = object_call("ListObjectsV2", "GET", {prefix.bucket, "", prefix.expected_owner});
  call.resource = resource_of({prefix.bucket, "", prefix.expected_owner});
  call.iam_action = "s3:ListBucket";
  call.query = {{"list-type", "2"},
                {"prefix", prefix.key},
                {"encoding-type", "url"},
                {"max-keys", std::to_string(std::min(most, page))}};
  if (!continuation.empty()) call.query.emplace_back("continuation-token", continuation);
  return call;
}

Call get_call(const ObjectAddress& address) {
  Call call = object_call("GetObject", "GET", address);
  call.headers.emplace_back("x-amz-checksum-mode", "ENABLED");
  return call;
}

HttpHeaders range_headers(std::uint64_t first, std::uint64_t last, const std::string& etag) {
  HttpHeaders headers{{"Range", "bytes=" + std::to_string(first) + "-" + std::to_string(last)}};
  if (!etag.empty()) headers.emplace_back("If-Match", etag);
  return headers;
}

ListPage read_list(const std::string& xml) {
  const Value root = parse_xml_answer(xml, "S3 ListObjectsV2");
  const Value* result = root.find("ListBucketResult");
  if (!result) throw Error(Error::Kind::aws, "S3 ListObjectsV2: the answer is no list of objects");
  const bool is_escaped = text_at(*result, {"EncodingType"}) == "url";
  ListPage list;
  for (const Value& content : children(*result, "Contents")) {
    const std::string key = text_at(content, {"Key"});
    const auto size = parse_number(text_at(content, {"Size"}));
    if (key.empty() || !size) {
      throw Error(Error::Kind::aws, "S3 ListObjectsV2: there is an object without key or size");
    }
    list.objects.push_back({is_escaped ? url_decode(key) : key, *size});
  }
  if (text_at(*result, {"IsTruncated"}) == "true") {
    list.continuation = text_at(*result, {"NextContinuationToken"});
    if (list.continuation.empty()) {
      throw Error(Error::Kind::aws, "S3 ListObjectsV2: the list is cut and cannot be gone on with");
    }
  }
  return list;
}

std::optional<ContentRange> content_range(const HttpResponse& head) {
  const std::string text = head.header("content-range").value_or("");
  unsigned long long first = 0, last = 0, size = 0;
  if (std::sscanf(text.c_str(), "bytes %llu-%llu/%llu", &first, &last, &size) != 3) {
    return std::nullopt;
  }
  return ContentRange{first, last, size};
}

std::optional<std::uint64_t> content_length(const HttpResponse& head) {
  return parse_number(head.header("content-length").value_or(""));
}

std::string strong_etag(const HttpResponse& head) {
  const std::string etag = head.header("etag").value_or("");
  return etag.starts_with("W/") ? "" : etag;
}

Answer require(Client& client, const Call& call, const Control& control) {
  Answer answer = client.send(call, control);
  if (answer.failure) throw_failure(client, call, *answer.failure, control);
  return answer;
}

void throw_failure(Client& client, const Call& call, const Failure& failure,
                   const Control& control) {
  const Error error = client.error_of(call, failure, control);
  const bool may_be_missing = failure.code == "AccessDenied" && call.operation == "GetObject";
  if (!may_be_missing) throw error;
  throw Error(
      error.kind(), error.what(),
      error.hint() + "; without s3:ListBucket, S3 says so of an object that is not there, too");
}

}  // namespace toehold::aws
