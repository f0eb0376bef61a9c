// HttpClient: one HTTP(S) exchange, with the body streamed. A seam: tests script it. Called by
// WebDownload and by the AWS client; never retries, never logs a header or a query string.
// The only file that includes libcurl is http.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/clock.hpp"

namespace toehold {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::string body;
  bool verify_tls = true;
  int max_redirects = 10;
  Deadline deadline;
  std::chrono::seconds connect_timeout{10};
  /// Gives up when fewer than 1 kB/s come over this time.
  std::chrono::seconds stall_timeout{60};
};

struct HttpResponse {
  long status = 0;
  HttpHeaders headers;  // of the last response; names in lower case
  std::string effective_url;
  std::string transport_error;  // not empty: no whole response (connection, TLS, short body ...)
  bool retryable = false;       // a transport error that may pass by itself
  std::optional<std::string> header(std::string_view name) const;
};

/// Called with the body of the final response piece by piece; false ends the transfer.
using OnBody = std::function<bool(std::string_view)>;

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                            std::stop_token stop) = 0;
};

/// Loads libcurl when first used, so that a run without HTTP does not pay for it.
std::unique_ptr<HttpClient> make_curl_http_client();

/// The URL without its query and user, for messages and logs.
std::string url_for_display(std::string_view url);

}  // namespace toehold
