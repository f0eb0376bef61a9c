// The parts of a URL that decide where a request goes, and the URL as it may be shown. Called by
// http.cpp and whoever names a URL in a message; decodes nothing.
#pragma once

#include <string>
#include <string_view>

namespace toehold {

/// "https", "host:port" without a user, and the rest; scheme and host in lower case.
struct UrlParts {
  std::string scheme;
  std::string host;
  std::string rest;
};
UrlParts parts_of(std::string_view url);
bool is_http(const UrlParts& url);

/// The URL without its query, fragment and user, for messages and logs.
std::string url_for_display(std::string_view url);

}  // namespace toehold
