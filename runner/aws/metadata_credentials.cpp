#include <algorithm>

#include "runner/aws/credential_sources.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::size_t most_bytes = 64u << 10;
constexpr CredentialNames names{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};

/// The host of a URL, without port and brackets; empty when the URL is not plain enough to be sure.
std::string host_of(const std::string& url) {
  const std::size_t begin = url.find("://") + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  std::string host = lower(url.substr(begin, end - begin));
  for (const char c : host) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                       c == ':' || c == '[' || c == ']';
    if (!plain) return {};
  }
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback(const std::string& host) {
  if (host == "::1") return true;
  const std::vector<std::string> parts = split(host, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (const std::string& part : parts) {
    const auto number = Value(part).as_int();
    if (!number || *number < 0 || *number > 255) return false;
  }
  return true;
}

/// Whoever can set a variable must not be able to have the token sent to a host of theirs in the
/// clear: https, or what cannot leave the machine.
bool is_allowed(const std::string& url) {
  if (url.starts_with("https://")) return !host_of(url).empty();
  if (!url.starts_with("http://")) return false;
  const std::string host = host_of(url);
  return is_loopback(host) || host == "169.254.170.2" || host == "169.254.170.23" ||
         host == "fd00:ec2::23" || host == "localhost";
}

class Container final : public CredentialProvider {
 public:
  Container(const Settings& settings, const CredentialTools& tools)
      : settings_(settings), tools_(tools) {}

  std::string name() const override {
    return "a container's endpoint (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)";
  }

  std::optional<Credentials> find(Deadline deadline, std::stop_token stop) override {
    const std::string url = this->url();
    if (url.empty()) return std::nullopt;
    const std::string source = "the container's endpoint " + url_for_display(url);
    HttpRequest request;
    request.url = url;
    request.headers = {{"Accept", "application/json"}};
    if (const std::string token = authorization(); !token.empty()) {
      request.headers.emplace_back("Authorization", token);
    }
    request.use_proxy = false;
    request.max_redirects = 0;
    request.ca_bundle = settings_.ca_bundle;
    request.connect_timeout = timeout;
    const std::string body = ask(request, source, {settings_, tools_, deadline, stop});
    return credentials_in(parse_answer(body, source), names, source);
  }

 private:
  static constexpr std::chrono::seconds timeout{2};
  static constexpr int attempts = 3;

  std::string url() const {
    if (const auto path = settings_.environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
      if (path->starts_with('/')) return "http://169.254.170.2" + *path;
      throw Error(Error::Kind::aws,
                  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash",
                  "set AWS_CONTAINER_CREDENTIALS_FULL_URI to a whole URL");
    }
    const std::string url =
        settings_.environment("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
    if (url.empty() || is_allowed(url)) return url;
    throw Error(Error::Kind::aws,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is " + url_for_display(url) +
                    ", which is neither https nor on this machine",
                "use https, or a loopback or link-local address of ECS or EKS");
  }

  /// Read anew each time: EKS replaces the file.
  std::string authorization() const {
    std::string token;
    if (const auto path = settings_.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
      token = trim(read_file(*path, most_bytes));
    } else {
      token = settings_.environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
    }
    if (token.find_first_of("\r\n") == std::string::npos) return token;
    throw Error(Error::Kind::aws, "the container's authorization token has more than one line");
  }

  std::string ask(HttpRequest& request, const std::string& source, const Lookup& lookup) const {
    for (int attempt = 1;; ++attempt) {
      std::string body;
      request.deadline = within(lookup, timeout);
      const HttpResponse response = tools_.http.send(
          request,
          [&](std::string_view bytes) {
            body += bytes;
            return body.size() <= most_bytes;
          },
          lookup.stop);
      const bool whole = response.transport_error.empty();
      if (whole && response.status == 200) return body;
      if (lookup.stop.stop_requested()) {
        throw Error(Error::Kind::cancelled, "cancelled while asking " + source);
      }
      if (lookup.deadline.passed(tools_.clock.monotonic())) {
        throw Error(Error::Kind::timeout, "timed out while asking " + source);
      }
      const bool final = whole && response.status < 500 && response.status != 429;
      if (final || attempt == attempts) {
        throw Error(Error::Kind::aws,
                    source + (whole ? " answers with status " + std::to_string(response.status)
                                    : " does not answer: " + response.transport_error),
                    "see whether the task or pod still has its role");
      }
      tools_.clock.sleep_for(std::chrono::seconds(1), lookup.stop);
    }
  }

  const Settings& settings_;
  CredentialTools tools_;
};

class Instance final : public CredentialProvider {
 public:
  explicit Instance(const CredentialTools& tools) : tools_(tools) {}

  std::string name() const override {
    return "the instance's role" + (why_not_.empty() ? "" : " (" + why_not_ + ")");
  }

  std::optional<Credentials> find(Deadline deadline, std::stop_token stop) override {
    std::optional<std::string> listed;
    try {
      listed = tools_.imds.get(folder, deadline, stop);
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::aws) throw;
      why_not_ = error.what();
      return std::nullopt;
    }
    const std::string role(trim(split(listed.value_or(""), '\n').front()));
    if (role.empty()) {
      why_not_ = "it has none";
      return std::nullopt;
    }
    const std::string source = "the instance's role " + printable(role);
    const auto text = tools_.imds.get(folder + role, deadline, stop);
    const Value answer = parse_answer(text.value_or("{}"), source);
    const Value* code = answer.find("Code");
    if (code && code->text() != "Success") {
      const Value* words = answer.find("Message");
      throw Error(Error::Kind::aws,
                  source + " has no credentials: " + printable(code->text()) +
                      (words ? ": " + printable(words->text()) : ""),
                  "see whether the role still exists and EC2 may assume it");
    }
    return credentials_in(answer, names, source);
  }

 private:
  inline static const std::string folder = "meta-data/iam/security-credentials/";

  CredentialTools tools_;
  std::string why_not_;
};

}  // namespace

std::unique_ptr<CredentialProvider> container_credentials(const Settings& settings,
                                                          const CredentialTools& tools) {
  return std::make_unique<Container>(settings, tools);
}

std::unique_ptr<CredentialProvider> instance_credentials(const CredentialTools& tools) {
  return std::make_unique<Instance>(tools);
}

}  // namespace toehold::aws
