#include "runner/base/http.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>

#include "runner/base/curl_library.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"
#include "runner/base/tls_roots.hpp"
#include "runner/base/url.hpp"

#undef curl_easy_setopt
#undef curl_easy_getinfo

namespace toehold {

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

namespace {

/// What the callbacks of one exchange share.
struct Exchange {
  const HttpRequest& request;
  const OnBody& on_body;
  std::stop_token stop;
  HttpResponse response;
  std::uint64_t sent = 0;  // of an upload
  int redirects = 0;
  bool began_here = false;    // the first host was this machine or a link-local address
  bool has_head = false;      // on_head has been called, or would have been
  bool has_enough = false;    // on_head does not want the body
  bool has_refused = false;   // on_body does not want the rest
  std::string refusal;        // why we ended it
  std::exception_ptr thrown;  // by a callback; must not pass through libcurl
};

bool is_redirect(const HttpResponse& response) {
  const long status = response.status;
  return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
         response.header("location");
}

bool is_followed(const Exchange& exchange) {
  return exchange.request.max_redirects > 0 && is_redirect(exchange.response);
}

long status_in(std::string_view line) {
  long status = 0;
  const std::size_t blank = std::min(line.find(' '), line.size());
  const std::string_view rest = trim(line.substr(blank));
  std::from_chars(rest.data(), rest.data() + rest.size(), status);
  return status;
}

/// The end of a block of headers; false ends the exchange.
bool finish_head(Exchange& exchange) {
  if (exchange.response.status < 200 || is_followed(exchange)) return true;
  exchange.has_head = true;
  if (!exchange.request.on_head) return true;
  try {
    exchange.has_enough = !exchange.request.on_head(exchange.response);
  } catch (...) {
    exchange.thrown = std::current_exception();
  }
  return !exchange.has_enough && !exchange.thrown;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.has_head) return size * count;  // a trailer
  const std::string_view line = trim(std::string_view(data, size * count));
  if (line.empty()) return finish_head(exchange) ? size * count : 0;
  if (line.starts_with("HTTP/")) {  // a new response: after a 100
    exchange.response.headers.clear();
    exchange.response.status = status_in(line);
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    exchange.response.headers.emplace_back(lower(line.substr(0, colon)),
                                           std::string(trim(line.substr(colon + 1))));
  }
  return size * count;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (!exchange.has_head) return size * count;  // of a page that only says where to go
  try {
    exchange.has_refused = !exchange.on_body(std::string_view(data, size * count));
  } catch (...) {
    exchange.thrown = std::current_exception();
  }
  return exchange.has_refused || exchange.thrown ? 0 : size * count;
}

std::size_t give_body(char* to, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  try {
    const std::size_t given = exchange.request.upload.read(exchange.sent, to, size * count);
    exchange.sent += given;
    return given;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
}

/// A kept connection that turns out to be closed makes libcurl send the body again.
int seek_body(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  static_cast<Exchange*>(user)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

/// Loopback, link-local (where instance metadata is), and the metadata service's IPv6 address.
bool is_here(std::string_view address) {
  if (address.starts_with("::ffff:")) address.remove_prefix(7);
  return address.starts_with("127.") || address.starts_with("169.254.") ||
         address.starts_with("0.") || address == "::1" || address == "::" ||
         address.starts_with("fe80:") || address.starts_with("fd00:ec2:");
}

/// Called with a connection, new or kept, before a request is sent over it.
int look_at_peer(void* user, char* address, char*, int, int) {
  auto& exchange = *static_cast<Exchange*>(user);
  const bool here = is_here(address);
  if (exchange.redirects == 0) exchange.began_here = here;
  if (!here || exchange.began_here) return CURL_PREREQFUNC_OK;
  exchange.refusal = std::string("redirect to the local address ") + address + " refused";
  return CURL_PREREQFUNC_ABORT;
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

/// What the next request of a chain of redirects is made of.
struct Hop {
  std::string url;
  std::string method;
  bool sends_body = true;
  HttpHeaders headers;
};

bool is_credential(std::string_view header) {
  return equals_ignoring_case(header, "authorization") || equals_ignoring_case(header, "cookie") ||
         equals_ignoring_case(header, "x-amz-security-token") ||
         equals_ignoring_case(header, "x-aws-ec2-metadata-token");
}

/// Turns `hop` into the one that its response asks for, or says why not.
std::string follow(Hop& hop, std::string url, long status) {
  const UrlParts from = parts_of(hop.url);
  const UrlParts to = parts_of(url);
  if (!is_http(to))
    return "redirect to " + url_for_display(url) + " refused: neither http nor https";
  if (from.scheme == "https" && to.scheme == "http") {
    return "redirect from https to " + url_for_display(url) + " refused: not encrypted";
  }
  if (from.scheme != to.scheme || from.host != to.host) {
    std::erase_if(hop.headers, [](const auto& header) { return is_credential(header.first); });
  }
  const bool to_get = (status == 303 && hop.method != "HEAD") ||
                      ((status == 301 || status == 302) && hop.method == "POST");
  if (to_get) {
    hop.method = "GET";
    hop.sends_body = false;
  }
  hop.url = std::move(url);
  return {};
}

class HeaderList {
 public:
  explicit HeaderList(const HttpHeaders& headers) {
    for (const auto& [name, value] : headers) {
      const std::string line = name + (value.empty() ? ";" : ": " + value);
      list_ = curl_library().slist_append(list_, line.c_str());
    }
  }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_library().slist_free_all(list_); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

class CurlHttpClient final : public HttpClient {
 public:
  ~CurlHttpClient() override {
    if (easy_) curl_library().easy_cleanup(easy_);
    if (multi_) curl_library().multi_cleanup(multi_);
  }

  HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                    std::stop_token stop) override {
    start_library();
    Exchange exchange{request, on_body, std::move(stop), {},    0,  0,
                      false,   false,   false,           false, {}, {}};
    Hop hop{request.url, request.method, true, request.headers};
    if (!is_http(parts_of(request.url))) {
      exchange.response.transport_error = "neither an http nor an https URL";
      return std::move(exchange.response);
    }
    while (run(hop, exchange) && is_followed(exchange)) {
      char* next = nullptr;
      curl_library().easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &next);
      std::string refusal;
      if (exchange.redirects++ == request.max_redirects) {
        refusal = "more than " + std::to_string(request.max_redirects) + " redirects";
      } else {
        refusal = follow(hop, next ? next : "", exchange.response.status);
      }
      if (!refusal.empty()) {
        exchange.response.transport_error = std::move(refusal);
        break;
      }
      exchange.response = {};
    }
    exchange.response.effective_url = hop.url;
    return std::move(exchange.response);
  }

 private:
  void start_library() {
    const CurlLibrary& curl = curl_library();
    if (!multi_) multi_ = curl.multi_init();  // it is what keeps the connections
    if (!easy_) easy_ = curl.easy_init();
    if (!multi_ || !easy_) throw Error(Error::Kind::network, "libcurl does not start");
  }

  /// One request and its response; true when there is a whole response.
  bool run(const Hop& hop, Exchange& exchange) {
    curl_library().easy_reset(easy_);
    const HeaderList headers(hop.headers);
    std::array<char, CURL_ERROR_SIZE> details{};
    set_up_request(hop, headers.get());
    set(CURLOPT_PATH_AS_IS, exchange.request.path_as_is ? 1L : 0L);
    set_up_body(hop, exchange);
    set_up_limits(exchange.request);
    set_up_callbacks(exchange);
    set(CURLOPT_ERRORBUFFER, details.data());
    const CURLcode code = perform(exchange);
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    log_request(hop, exchange);
    if (exchange.thrown) std::rethrow_exception(exchange.thrown);
    if (code == CURLE_OK || exchange.has_enough) return true;
    HttpResponse& response = exchange.response;
    if (!exchange.refusal.empty()) {
      response.transport_error = exchange.refusal;
    } else if (exchange.has_refused) {
      response.transport_error = "ended by the receiver";
    } else {
      response.transport_error = details[0] ? details.data() : curl_library().easy_strerror(code);
      response.retryable = may_pass_by_itself(code);
    }
    return false;
  }

  /// Without the path and the query, which are as good as a password in some services' URLs.
  void log_request(const Hop& hop, const Exchange& exchange) {
    curl_off_t received = 0, microseconds = 0;
    curl_library().easy_getinfo(easy_, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_library().easy_getinfo(easy_, CURLINFO_TOTAL_TIME_T, &microseconds);
    const UrlParts url = parts_of(hop.url);
    log(LogLevel::debug, hop.method + " " + url.scheme + "://" + url.host + ": status " +
                             std::to_string(exchange.response.status) + ", " +
                             format_size(static_cast<unsigned long long>(received)) + ", " +
                             format_duration(static_cast<double>(microseconds) / 1e6));
  }

  CURLcode perform(Exchange& exchange) {
    const CurlLibrary& curl = curl_library();
    if (curl.multi_add_handle(multi_, easy_) != CURLM_OK) return CURLE_FAILED_INIT;
    CURLcode code = CURLE_FAILED_INIT;
    {
      const std::stop_callback wake(exchange.stop, [&] { curl.multi_wakeup(multi_); });
      for (int running = 1;;) {
        if (curl.multi_perform(multi_, &running) != CURLM_OK) break;
        if (running == 0) {
          int left = 0;
          if (const CURLMsg* message = curl.multi_info_read(multi_, &left)) {
            code = message->data.result;
          }
          break;
        }
        const auto now = std::chrono::steady_clock::now();
        if (exchange.stop.stop_requested()) exchange.refusal = "cancelled";
        if (exchange.request.deadline.passed(now)) exchange.refusal = "timed out";
        if (!exchange.refusal.empty()) break;
        curl.multi_poll(multi_, nullptr, 0, wait_from(now, exchange.request.deadline), nullptr);
      }
    }
    curl.multi_remove_handle(multi_, easy_);
    return code;
  }

  static int wait_from(Monotonic now, const Deadline& deadline) {
    constexpr std::chrono::milliseconds longest(1000);
    if (deadline.never()) return static_cast<int>(longest.count());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline.at() - now);
    return static_cast<int>(std::min(left, longest).count());
  }

  template <class T>
  void set(CURLoption option, T value) {
    curl_library().easy_setopt(easy_, option, value);
  }

  void set_up_request(const Hop& hop, curl_slist* headers) {
    set(CURLOPT_URL, hop.url.c_str());
    set(CURLOPT_CUSTOMREQUEST, hop.method.c_str());
    if (hop.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_USERAGENT, "toehold");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    // Redirects are ours to follow: libcurl would go back from https to http.
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // those of a proxy are no response
  }

  /// The body stays where it is: one of several MiB is not copied.
  void set_up_body(const Hop& hop, Exchange& exchange) {
    const HttpRequest& request = exchange.request;
    exchange.sent = 0;
    if (hop.sends_body && request.upload.read) {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload.size));
      set(CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
      set(CURLOPT_READFUNCTION, &give_body);
      set(CURLOPT_READDATA, &exchange);
      set(CURLOPT_SEEKFUNCTION, &seek_body);
      set(CURLOPT_SEEKDATA, &exchange);
    } else if (hop.method == "POST" || hop.method == "PUT" ||
               (hop.sends_body && !request.body.empty())) {
      const std::size_t size = hop.sends_body ? request.body.size() : 0;
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
      set(CURLOPT_POSTFIELDS, size > 0 ? request.body.c_str() : "");
    }
  }

  void set_up_limits(const HttpRequest& request) {
    set(CURLOPT_SSL_VERIFYPEER, request.verify_tls ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, request.verify_tls ? 2L : 0L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    const std::string bundle = request.ca_bundle.empty() ? tls_roots() : request.ca_bundle;
    if (!bundle.empty()) set(CURLOPT_CAINFO, bundle.c_str());
    if (!request.use_proxy) set(CURLOPT_PROXY, "");
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
    set(CURLOPT_BUFFERSIZE, 256L * 1024);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a stop does not wait for a name server
  }

  void set_up_callbacks(Exchange& exchange) {
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &exchange);
    set(CURLOPT_PREREQFUNCTION, &look_at_peer);
    set(CURLOPT_PREREQDATA, &exchange);
  }

  CURLM* multi_ = nullptr;
  CURL* easy_ = nullptr;
};

}  // namespace

std::unique_ptr<HttpClient> make_curl_http_client() {
  return std::make_unique<CurlHttpClient>();
}

}  // namespace toehold
