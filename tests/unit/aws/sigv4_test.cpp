#include "runner/aws/sigv4.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "runner/base/digest.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;

namespace {

struct Vector {
  SignRequest request;
  SignScope scope;
  Credentials credentials;
  UnixMillis now = 1440938160000;  // 2015-08-30T12:36:00Z, in all of them
  bool token_is_signed = true;
};

std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      result += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

void read_request(const std::string& text, Vector& vector) {
  const std::size_t blank = std::min(text.find("\n\n"), text.size());
  const std::string body = blank < text.size() ? text.substr(blank + 2) : "";
  vector.request.payload_hash = digest_of(DigestAlgorithm::sha256, body);
  std::vector<std::string> lines = split(std::string(trim(text.substr(0, blank))), '\n');
  const std::string first = lines.front();
  lines.erase(lines.begin());
  const std::size_t begin = first.find(' ');
  const std::string target = first.substr(begin + 1, first.rfind(' ') - begin - 1);
  vector.request.method = first.substr(0, begin);
  const std::size_t mark = std::min(target.find('?'), target.size());
  vector.request.path = target.substr(0, mark);
  if (mark < target.size()) {
    for (const std::string& item : split(target.substr(mark + 1), '&')) {
      const std::size_t equals = std::min(item.find('='), item.size());
      vector.request.query.emplace_back(
          unescaped(item.substr(0, equals)),
          equals < item.size() ? unescaped(item.substr(equals + 1)) : "");
    }
  }
  HttpHeaders& headers = vector.request.headers;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(':');
    if (line.starts_with(' ')) {
      headers.back().second += "\n" + line;
    } else if (line.starts_with("Host:")) {
      vector.request.host = line.substr(5);
    } else {
      headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
  }
}

Vector read_vector(const fs::path& folder) {
  const Value context = parse_json(read_file(folder / "context.json"));
  const auto flag = [&](const char* name) {
    const Value* value = context.find(name);
    return value && value->as_bool().value_or(false);
  };
  Vector vector;
  read_request(read_file(folder / "request.txt"), vector);
  vector.scope = {context.find("region")->text(), context.find("service")->text(),
                  flag("normalize"), flag("sign_body")};
  // These paths are not escaped yet, and are escaped once whether normalized or not.
  if (!vector.scope.normalize_path) vector.request.path = uri_escape(vector.request.path, true);
  const Value& keys = *context.find("credentials");
  vector.credentials.access_key_id = keys.find("access_key_id")->text();
  vector.credentials.secret_access_key = keys.find("secret_access_key")->text();
  vector.token_is_signed = !flag("omit_session_token");
  if (const Value* token = keys.find("token"); token && vector.token_is_signed) {
    vector.credentials.session_token = token->text();
  }
  return vector;
}

std::string value_of(const HttpHeaders& headers, const std::string& name) {
  for (const auto& [key, value] : headers) {
    if (equals_ignoring_case(key, name)) return value;
  }
  return {};
}

void check_headers(const fs::path& folder, const Vector& vector) {
  const HttpHeaders added = sign(vector.request, vector.scope, vector.credentials, vector.now);
  HttpHeaders all = vector.request.headers;
  all.emplace_back("Host", vector.request.host);
  for (const auto& header : added) {
    if (header.first != "authorization") all.push_back(header);
  }
  const std::string canonical = canonical_request(vector.request, vector.scope, all);
  CHECK(canonical == read_file(folder / "header-canonical-request.txt"));
  CHECK(string_to_sign(canonical, vector.scope, vector.now) ==
        read_file(folder / "header-string-to-sign.txt"));
  CHECK_THAT(value_of(added, "authorization"),
             ContainsSubstring("Signature=" + read_file(folder / "header-signature.txt")));
  CHECK_THAT(read_file(folder / "header-signed-request.txt"),
             ContainsSubstring(value_of(added, "authorization")));
}

void check_query(const fs::path& folder, const Vector& vector) {
  const Query query = presign(vector.request, vector.scope, vector.credentials, vector.now,
                              std::chrono::seconds(3600));
  REQUIRE(query.back().first == "X-Amz-Signature");
  CHECK(query.back().second == read_file(folder / "query-signature.txt"));
}

int check_all(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    INFO(entry.path().filename().string());
    const Vector vector = read_vector(entry.path());
    check_headers(entry.path(), vector);
    check_query(entry.path(), vector);
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("signatures are those of the published vectors") {
  CHECK(check_all(fs::path(TOEHOLD_SOURCE_DIR) / "tests/data/sigv4") == 8);
}

TEST_CASE("signatures are those of all published vectors") {
  const fs::path folder = fs::path(TOEHOLD_SOURCE_DIR) / "../shared/sigv4-vectors";
  if (fs::is_directory(folder)) {
    CHECK(check_all(folder) >= 38);
  } else {
    WARN("skipped: no vectors at ../shared/sigv4-vectors");
  }
}

TEST_CASE("text is escaped as RFC 3986 has it") {
  CHECK(uri_escape("aZ09-._~") == "aZ09-._~");
  CHECK(uri_escape("a b+c/d*e%\xC3\xA9") == "a%20b%2Bc%2Fd%2Ae%25%C3%A9");
  CHECK(uri_escape("a b/c", true) == "a%20b/c");
  CHECK(query_text({{"b", "1 2"}, {"a", ""}}) == "b=1%202&a=");
}

TEST_CASE("a path of S3 is signed as it is sent") {
  SignRequest request;
  request.host = "bucket.s3.amazonaws.com";
  request.path = "/a//b/../c%20d";
  const std::string s3 = canonical_request(request, {"us-east-1", "s3", false, true}, {});
  CHECK(split(s3, '\n')[1] == "/a//b/../c%20d");
  const std::string other = canonical_request(request, {"us-east-1", "x", true, false}, {});
  CHECK(split(other, '\n')[1] == "/a/c%2520d");
}

TEST_CASE("S3 gets the hash of the payload as a header, too") {
  SignRequest request;
  request.host = "bucket.s3.amazonaws.com";
  request.payload_hash = "UNSIGNED-PAYLOAD";
  const Credentials keys{"AKID", "SECRET", "TOKEN", {}, ""};
  const HttpHeaders added = sign(request, {"us-east-1", "s3", false, true}, keys, 0);
  CHECK(value_of(added, "x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
  CHECK(value_of(added, "x-amz-date") == "19700101T000000Z");
  CHECK(value_of(added, "x-amz-security-token") == "TOKEN");
  CHECK_THAT(
      value_of(added, "authorization"),
      StartsWith("AWS4-HMAC-SHA256 Credential=AKID/19700101/us-east-1/s3/aws4_request, "
                 "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "));
}
