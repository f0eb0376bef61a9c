#include "runner/controller/transports/known_hosts.hpp"

#include <algorithm>
#include <utility>

#include "runner/base/base64.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// Takes the next word off `line`.
std::string_view next_word(std::string_view& line) {
  line = trim(line);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

/// With `*` and `?`, as in ssh_config(5).
bool matches_pattern(std::string_view pattern, std::string_view name) {
  return wildcard_matches(pattern, name, '?');
}

/// `|1|salt|hash`: HMAC-SHA1 of the name, so that the file does not tell where its owner goes.
bool matches_hash(std::string_view text, std::string_view name) {
  const std::vector<std::string> parts = split(text, '|');
  if (parts.size() != 4 || parts[1] != "1") return false;
  const auto salt = base64_decode(parts[2]);
  const auto hash = base64_decode(parts[3]);
  return salt && hash && hmac_sha1(*salt, name) == *hash;
}

bool matches(const std::string& hosts, const std::string& name) {
  if (hosts.starts_with('|')) return matches_hash(hosts, name);
  bool found = false;
  for (const std::string& pattern : split(hosts, ',')) {
    if (pattern.starts_with('!')) {
      if (matches_pattern(lower(pattern.substr(1)), name)) return false;
    } else if (matches_pattern(lower(pattern), name)) {
      found = true;
    }
  }
  return found;
}

/// The name at the beginning of a key's blob, behind its length.
std::string type_in(const std::string& blob) {
  if (blob.size() < 4) return {};
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i) {
    length = length << 8 | static_cast<unsigned char>(blob[static_cast<std::size_t>(i)]);
  }
  return length <= blob.size() - 4 ? blob.substr(4, length) : std::string();
}

}  // namespace

HostKey make_host_key(std::string blob) {
  std::string type = type_in(blob);
  return {std::move(type), std::move(blob)};
}

std::string fingerprint_of(const HostKey& key) {
  Digest digest(DigestAlgorithm::sha256);
  digest.update(key.blob);
  std::string text = base64_encode(digest.finish_bytes());
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

void KnownHosts::read(std::string_view text) {
  for (const std::string& each : split(text, '\n')) {
    std::string_view rest = each;
    std::string_view hosts = next_word(rest);
    if (hosts.empty() || hosts.starts_with('#')) continue;
    std::string_view marker;
    if (hosts.starts_with('@')) {
      marker = hosts;
      hosts = next_word(rest);
    }
    const std::string type(next_word(rest));
    const auto blob = base64_decode(next_word(rest));
    if (!blob || type.empty() || type_in(*blob) != type) continue;
    if (marker == "@revoked") revoked_.push_back({type, *blob});
    if (marker.empty()) lines_.push_back({std::string(hosts), {type, *blob}});
  }
}

std::vector<HostKey> KnownHosts::keys_of(const std::string& host, int port) const {
  const std::string name =
      port == 22 ? lower(host) : "[" + lower(host) + "]:" + std::to_string(port);
  std::vector<HostKey> keys;
  for (const Line& line : lines_) {
    if (matches(line.hosts, name)) keys.push_back(line.key);
  }
  return keys;
}

bool KnownHosts::is_revoked(const HostKey& key) const {
  return std::find(revoked_.begin(), revoked_.end(), key) != revoked_.end();
}

}  // namespace toehold
