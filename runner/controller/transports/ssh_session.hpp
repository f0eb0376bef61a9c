// SshSession: one authenticated connection to an SSH server, direct or through another session.
// Called by ssh.cpp, which decides what to trust and which credentials to offer; decides nothing
// itself. libssh2 is behind ssh_session.cpp. For one thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/process.hpp"
#include "runner/controller/transports/known_hosts.hpp"

namespace toehold {

struct SshAddress {
  std::string host;
  int port = 22;
  std::string user;
  /// "user@host", with the port where it is not 22.
  std::string text() const;
};

struct SshWait {
  Deadline deadline;
  std::stop_token stop;
};

/// What a remote program reads: `head`, then what `fd` has, if it is one.
struct SshInput {
  std::string head;
  int fd = -1;
};

/// Whether something takes connections there. Throws Error(timeout), Error(cancelled).
bool takes_connections(const SshAddress& address, const SshWait& wait);

class SshSession {
 public:
  /// Connects, and agrees on keys. `via`: the session of a jump host, which must live longer.
  /// `key_types`: the types of host keys to ask for, best first; empty: those that are good today.
  /// Throws Error(network), Error(timeout), Error(cancelled).
  SshSession(SshAddress address, SshSession* via, const std::vector<std::string>& key_types,
             const SshWait& wait);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  HostKey host_key() const;

  // Each returns whether the server let us in, and throws Error for everything else.
  bool log_in_with_key(const std::filesystem::path& private_key, const SshWait& wait);
  /// With the keys that the agent at SSH_AUTH_SOCK holds; false also when there is none.
  bool log_in_with_agent(const SshWait& wait);
  /// Also where the server asks for it interactively.
  bool log_in_with_password(const std::string& password, const SshWait& wait);

  /// Runs a command line in the account's shell. Throws Error(network) when the connection is lost.
  ProcessResult execute(const std::string& line, const SshInput& input, const OnOutput& on_output,
                        const SshWait& wait);
  /// The same on this terminal, which shows nothing of `head`, the first lines that it types; the
  /// program has to turn the echo on. Returns its exit code.
  int interact(const std::string& line, const std::string& head, const SshWait& wait);

  /// Whether RSA keys can be used: before 1.11 libssh2 signs with SHA-1 alone, which servers have
  /// refused since OpenSSH 8.8.
  static bool can_use_rsa();
  static std::string library_version();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace toehold
