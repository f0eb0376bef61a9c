// The host keys that a person has accepted: OpenSSH's known_hosts files, read. Called by the SSH
// transport before it says anything to a server; never writes one, and knows no way to accept a key
// that is not there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toehold {

struct HostKey {
  std::string type;  // "ssh-ed25519"
  std::string blob;  // as in SSH's messages, not base64
  friend bool operator==(const HostKey&, const HostKey&) = default;
};

/// With the type that stands at the blob's beginning; empty if there is none.
HostKey make_host_key(std::string blob);
/// `SHA256:...`, as ssh-keygen -l prints it.
std::string fingerprint_of(const HostKey& key);

class KnownHosts {
 public:
  /// Adds the lines of a file's text: plain, hashed, with patterns and negations, @revoked.
  /// Lines that are none, and those of certificate authorities, are left out.
  void read(std::string_view text);

  /// The keys of a host; on another port than 22 only lines of the form `[host]:port` count.
  std::vector<HostKey> keys_of(const std::string& host, int port) const;
  bool is_revoked(const HostKey& key) const;

 private:
  struct Line {
    std::string hosts;
    HostKey key;
  };
  std::vector<Line> lines_;
  std::vector<HostKey> revoked_;
};

}  // namespace toehold
