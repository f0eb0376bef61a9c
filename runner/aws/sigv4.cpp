#include "runner/aws/sigv4.hpp"

#include <algorithm>
#include <cassert>
#include <map>

#include "runner/base/base64.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

std::string date_time(UnixMillis now) {
  return format_utc(now, "%Y%m%dT%H%M%SZ");
}

/// `20150830/us-east-1/service/aws4_request`
std::string scope_text(const SignScope& scope, UnixMillis now) {
  return format_utc(now, "%Y%m%d") + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

/// RFC 3986, 5.2.4, and several slashes count as one.
std::string normalized(std::string_view path) {
  std::vector<std::string> kept;
  for (std::string& part : split(path, '/')) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.push_back(std::move(part));
    }
  }
  std::string result = "/" + join(kept, "/");
  if (path.ends_with('/') && !kept.empty()) result += '/';
  return result;
}

/// Ends trimmed, and one blank for several, line ends included.
std::string single_spaced(std::string_view value) {
  std::string result;
  for (const char c : trim(value)) {
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!blank) {
      result += c;
    } else if (!result.ends_with(' ')) {
      result += ' ';
    }
  }
  return result;
}

/// By name in lower case; values of one name joined with commas in the order they were given.
std::map<std::string, std::string> canonical_headers(const HttpHeaders& headers) {
  std::map<std::string, std::string> result;
  for (const auto& [name, value] : headers) {
    const auto [at, is_new] = result.try_emplace(lower(name), single_spaced(value));
    if (!is_new) at->second += "," + single_spaced(value);
  }
  return result;
}

std::string names_of(const HttpHeaders& headers) {
  std::string names;
  for (const auto& [name, value] : canonical_headers(headers)) {
    names += (names.empty() ? "" : ";") + name;
  }
  return names;
}

std::string canonical_query(const Query& query) {
  Query escaped;
  for (const auto& [name, value] : query) escaped.emplace_back(uri_escape(name), uri_escape(value));
  std::sort(escaped.begin(), escaped.end());
  std::string text;
  for (const auto& [name, value] : escaped) {
    text += (text.empty() ? "" : "&") + name + "=" + value;
  }
  return text;
}

}  // namespace

std::string uri_escape(std::string_view text, bool keep_slash) {
  constexpr const char* hex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    if (kept) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += hex[byte >> 4];
      result += hex[byte & 15];
    }
  }
  return result;
}

std::string query_text(const Query& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text += (text.empty() ? "" : "&") + uri_escape(name) + "=" + uri_escape(value);
  }
  return text;
}

std::string canonical_request(const SignRequest& request, const SignScope& scope,
                              const HttpHeaders& signed_headers) {
  std::string path = request.path.empty() ? "/" : request.path;
  if (scope.normalize_path) path = uri_escape(normalized(path), true);
  std::string text = request.method + "\n" + path + "\n" + canonical_query(request.query) + "\n";
  for (const auto& [name, value] : canonical_headers(signed_headers)) {
    text += name + ":" + value + "\n";
  }
  return text + "\n" + names_of(signed_headers) + "\n" + request.payload_hash;
}

std::string string_to_sign(const std::string& canonical, const SignScope& scope, UnixMillis now) {
  return std::string(signing_algorithm) + "\n" + date_time(now) + "\n" + scope_text(scope, now) +
         "\n" + digest_of(DigestAlgorithm::sha256, canonical);
}

std::string credential_text(const Credentials& credentials, const SignScope& scope,
                            UnixMillis now) {
  return credentials.access_key_id + "/" + scope_text(scope, now);
}

std::string signature_of(const std::string& text, const SignScope& scope,
                         const Credentials& credentials, UnixMillis now) {
  std::string key = "AWS4" + credentials.secret_access_key;
  for (const std::string& part :
       {format_utc(now, "%Y%m%d"), scope.region, scope.service, std::string("aws4_request")}) {
    key = hmac_sha256(key, part);
  }
  return hex_encode(hmac_sha256(key, text));
}

HttpHeaders sign(const SignRequest& request, const SignScope& scope, const Credentials& credentials,
                 UnixMillis now) {
  HttpHeaders added{{"x-amz-date", date_time(now)}};
  if (!credentials.session_token.empty()) {
    added.emplace_back("x-amz-security-token", credentials.session_token);
  }
  if (scope.content_hash_header) added.emplace_back("x-amz-content-sha256", request.payload_hash);
  HttpHeaders all = request.headers;
  all.emplace_back("host", request.host);
  all.insert(all.end(), added.begin(), added.end());
  const std::string canonical = canonical_request(request, scope, all);
  added.emplace_back(
      "authorization",
      std::string(signing_algorithm) + " Credential=" + credential_text(credentials, scope, now) +
          ", SignedHeaders=" + names_of(all) + ", Signature=" +
          signature_of(string_to_sign(canonical, scope, now), scope, credentials, now));
  return added;
}

Query presign(const SignRequest& request, const SignScope& scope, const Credentials& credentials,
              UnixMillis now, std::chrono::seconds valid_for) {
  assert(valid_for >= std::chrono::seconds(1) && valid_for <= std::chrono::hours(7 * 24));
  HttpHeaders all = request.headers;
  all.emplace_back("host", request.host);
  SignRequest whole = request;
  const auto add = [&](const char* name, std::string value) {
    whole.query.emplace_back(name, std::move(value));
  };
  add("X-Amz-Algorithm", signing_algorithm);
  add("X-Amz-Credential", credential_text(credentials, scope, now));
  add("X-Amz-Date", date_time(now));
  add("X-Amz-Expires", std::to_string(valid_for.count()));
  add("X-Amz-SignedHeaders", names_of(all));
  if (!credentials.session_token.empty()) add("X-Amz-Security-Token", credentials.session_token);
  const std::string canonical = canonical_request(whole, scope, all);
  add("X-Amz-Signature",
      signature_of(string_to_sign(canonical, scope, now), scope, credentials, now));
  return whole.query;
}

}  // namespace toehold::aws
