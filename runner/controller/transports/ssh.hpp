// SshTransport: a machine reached over SSH. Made by the providers of machines that run sshd. Talks
// to no host whose key is not in known_hosts; the command lines that it sends are constants, and
// what is particular travels behind them as data. Not for several threads at once.
#pragma once

#include <optional>

#include "runner/controller/transports/ssh_session.hpp"
#include "runner/controller/transports/transport.hpp"

namespace toehold {

struct SshSettings {
  SshAddress address;
  std::optional<SshAddress> jump;                  // a host to go through
  std::vector<std::filesystem::path> identities;   // private keys; empty: the usual ones
  std::string password;                            // empty: none
  std::vector<std::filesystem::path> known_hosts;  // empty: the user's and the machine's
  bool sudo = false;                               // everything is done through `sudo -n`
  std::chrono::seconds connect_timeout{20};
};

class SshTransport final : public Transport {
 public:
  explicit SshTransport(SshSettings options);
  ~SshTransport() override;

  std::string name() const override;
  ProcessResult run(const std::vector<std::string>& argv, const OnOutput& on_output,
                    Deadline deadline, std::stop_token stop) override;
  void upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
              Deadline deadline, std::stop_token stop) override;
  void download(const std::string& from, const std::filesystem::path& to, Deadline deadline,
                std::stop_token stop) override;
  int interact(const std::vector<std::string>& argv, std::stop_token stop) override;

  /// Error(untrusted) for an unknown, another or a revoked host key, with the fingerprints;
  /// Error(network) when no credentials are accepted. Does nothing while a connection stands.
  void connect(std::stop_token stop);

 private:
  std::unique_ptr<SshSession> open(const SshAddress& address, SshSession* via, const SshWait& wait);
  void log_in(SshSession& session, const SshAddress& address, const SshWait& wait);
  ProcessResult execute(const std::vector<std::string>& argv, int input, const OnOutput& on_output,
                        Deadline deadline, std::stop_token stop);

  SshSettings options_;
  KnownHosts known_hosts_;
  std::unique_ptr<SshSession> jump_;  // outlives session_, which runs through it
  std::unique_ptr<SshSession> session_;
};

/// Why a private key file cannot be used, or empty: RSA with a libssh2 that cannot, or encrypted.
std::string unusable_key(const std::filesystem::path& private_key, bool can_use_rsa,
                         const std::string& library_version);

}  // namespace toehold
