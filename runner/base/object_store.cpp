#include "runner/base/object_store.hpp"

#include <algorithm>

namespace toehold {

std::string to_string(const ObjectAddress& address) {
  return "s3://" + address.bucket + "/" + address.key;
}

std::optional<ObjectAddress> parse_object_address(std::string_view text) {
  constexpr std::string_view scheme = "s3://";
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  if (slash == 0) return std::nullopt;
  ObjectAddress address;
  address.bucket = text.substr(0, slash);
  if (slash < text.size()) address.key = text.substr(slash + 1);
  return address;
}

}  // namespace toehold
