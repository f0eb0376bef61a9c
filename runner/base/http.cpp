#include "runner/base/http.hpp"

#include <algorithm>
#include <array>

#include "runner/base/curl_library.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

#undef curl_easy_setopt
#undef curl_easy_getinfo

namespace toehold {

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string url_for_display(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const std::size_t host = scheme + 3;
  const std::size_t path = std::min(url.find('/', host), url.size());
  const std::size_t user = url.substr(0, path).rfind('@');
  if (user == std::string_view::npos || user < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(user + 1));
}

namespace {

/// What the callbacks of one exchange share.
struct Exchange {
  const HttpRequest& request;
  const OnBody& on_body;
  std::stop_token stop;
  HttpResponse response;
  bool refused_by_caller = false;
  bool passed_deadline = false;
};

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line = trim(std::string_view(data, size * count));
  if (line.starts_with("HTTP/")) {  // a new response: after a redirect or a 100
    exchange.response.headers.clear();
    const std::size_t blank = line.find(' ');
    exchange.response.status =
        blank == std::string_view::npos
            ? 0
            : static_cast<long>(Value(line.substr(blank + 1, 3)).as_int().value_or(0));
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    exchange.response.headers.emplace_back(lower(line.substr(0, colon)),
                                           std::string(trim(line.substr(colon + 1))));
  }
  return size * count;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (is_redirect(exchange.response.status) && exchange.response.header("location") &&
      exchange.request.max_redirects > 0) {
    return size * count;  // of a page that nobody asked for
  }
  if (!exchange.on_body(std::string_view(data, size * count))) {
    exchange.refused_by_caller = true;
    return 0;
  }
  return size * count;
}

int watch(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.passed_deadline = exchange.request.deadline.passed(std::chrono::steady_clock::now());
  return exchange.passed_deadline || exchange.stop.stop_requested() ? 1 : 0;
}

bool may_pass_by_itself(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

class CurlHttpClient final : public HttpClient {
 public:
  ~CurlHttpClient() override {
    if (handle_) curl_library().easy_cleanup(handle_);
  }

  HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                    std::stop_token stop) override {
    const CurlLibrary& curl = curl_library();
    if (!handle_) handle_ = curl.easy_init();
    if (!handle_) throw Error(Error::Kind::network, "libcurl does not start");
    curl.easy_reset(handle_);  // keeps its connections
    Exchange exchange{request, on_body, std::move(stop), {}, false, false};
    std::array<char, CURL_ERROR_SIZE> details{};
    curl_slist* headers = nullptr;
    for (const auto& [name, value] : request.headers) {
      headers = curl.slist_append(headers, (name + ": " + value).c_str());
    }
    set_up(request, exchange, headers, details.data());
    const CURLcode code = curl.easy_perform(handle_);
    curl.slist_free_all(headers);
    char* effective = nullptr;
    curl.easy_getinfo(handle_, CURLINFO_EFFECTIVE_URL, &effective);
    exchange.response.effective_url = effective ? effective : request.url;
    if (code != CURLE_OK) explain(code, details.data(), exchange);
    return std::move(exchange.response);
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    curl_library().easy_setopt(handle_, option, value);
  }

  void set_up(const HttpRequest& request, Exchange& exchange, curl_slist* headers, char* details) {
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (!request.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_USERAGENT, "toehold");
    set(CURLOPT_ERRORBUFFER, details);
    set(CURLOPT_NOSIGNAL, 1L);
    // Never file:// or anything else, and never down from https to http.
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, request.url.starts_with("https:") ? "https" : "http,https");
    set(CURLOPT_FOLLOWLOCATION, request.max_redirects > 0 ? 1L : 0L);
    set(CURLOPT_MAXREDIRS, static_cast<long>(request.max_redirects));
    set(CURLOPT_SSL_VERIFYPEER, request.verify_tls ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, request.verify_tls ? 2L : 0L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
    set(CURLOPT_BUFFERSIZE, 256L * 1024);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &exchange);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &watch);
    set(CURLOPT_XFERINFODATA, &exchange);
  }

  void explain(CURLcode code, const char* details, Exchange& exchange) {
    HttpResponse& response = exchange.response;
    if (exchange.refused_by_caller) {
      response.transport_error = "ended by the receiver";
    } else if (exchange.passed_deadline) {
      response.transport_error = "timed out";
    } else if (exchange.stop.stop_requested()) {
      response.transport_error = "cancelled";
    } else {
      response.transport_error = *details ? details : curl_library().easy_strerror(code);
      response.retryable = may_pass_by_itself(code);
    }
  }

  CURL* handle_ = nullptr;
};

}  // namespace

std::unique_ptr<HttpClient> make_curl_http_client() {
  return std::make_unique<CurlHttpClient>();
}

}  // namespace toehold
