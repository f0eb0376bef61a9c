#include "runner/base/url.hpp"

#include <algorithm>

#include "runner/base/text.hpp"

namespace toehold {

UrlParts parts_of(std::string_view url) {
  UrlParts parts;
  if (const std::size_t mark = url.find("://"); mark != std::string_view::npos) {
    parts.scheme = lower(url.substr(0, mark));
    url.remove_prefix(mark + 3);
  }
  const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
  const std::string_view authority = url.substr(0, end);
  parts.host = lower(authority.substr(authority.rfind('@') + 1));  // npos + 1 is 0
  parts.rest = url.substr(end);
  return parts;
}

bool is_http(const UrlParts& url) {
  return (url.scheme == "http" || url.scheme == "https") && !url.host.empty();
}

std::string url_for_display(std::string_view url) {
  const UrlParts parts = parts_of(url.substr(0, url.find_first_of("?#")));
  return (parts.scheme.empty() ? "" : parts.scheme + "://") + parts.host + parts.rest;
}

}  // namespace toehold
