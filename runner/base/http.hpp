// HttpClient: one HTTP(S) exchange, redirects followed, with the body streamed. A seam: tests
// script it. Called by WebDownload and by the AWS client; never retries, never logs a header or a
// query string, never sends credentials to another host than the one they were given for.
// libcurl is behind http.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/url.hpp"

namespace toehold {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpResponse {
  long status = 0;
  HttpHeaders headers;  // of the last response; names in lower case
  std::string effective_url;
  std::string transport_error;  // not empty: no whole response (connection, TLS, short body ...)
  bool retryable = false;       // a transport error that may pass by itself
  std::optional<std::string> header(std::string_view name) const;
};

/// Called with status and headers of the final response before its body; false: the body is not
/// wanted, and the exchange ends here without an error.
using OnHead = std::function<bool(const HttpResponse&)>;
/// A body that is not held in memory: `read` gives up to `most` of its `size` bytes from `offset`
/// on, or throws. A request that is sent again begins at 0 again.
struct HttpUpload {
  std::uint64_t size = 0;
  std::function<std::size_t(std::uint64_t offset, char* to, std::size_t most)> read;
};
struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https
  HttpHeaders headers;
  std::string body;
  HttpUpload upload;  // instead of `body`, if it has a `read`
  bool verify_tls = true;
  bool use_proxy = true;    // false: past any proxy, for what is on this machine or its link
  std::string ca_bundle;    // file of certificates to trust instead of the system's; empty: those
  bool path_as_is = false;  // keys of S3 may hold "/../"
  int max_redirects = 10;   // 0: a redirect is a response like any other
  Deadline deadline;
  std::chrono::seconds connect_timeout{10};
  /// Gives up when fewer than 1 kB/s come over this time.
  std::chrono::seconds stall_timeout{60};
  OnHead on_head;
};

/// Called with the body of the final response piece by piece; false ends the transfer, which is
/// then a transport error.
using OnBody = std::function<bool(std::string_view)>;

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Failures of the network are in the response. Ends within 200 ms of a stop or the deadline.
  /// Throws what the callbacks throw, and Error(network) when there is no HTTP library.
  virtual HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                            std::stop_token stop) = 0;
};

/// Loads libcurl when first used, so that a run without HTTP does not pay for it. Keeps connections
/// open from one request to the next. TLS servers are checked against the system's certificates, or
/// those in the file that SSL_CERT_FILE names; proxies are those of the environment. Redirects from
/// https to http, to other schemes, and from elsewhere to this machine's own or link-local
/// addresses (instance metadata) are refused. Not for several threads at once.
std::unique_ptr<HttpClient> make_curl_http_client();
/// Loads libcurl now: for a process that will not see this machine's libraries any more. Throws
/// Error(network).
void load_http_library();

}  // namespace toehold
