#include "runner/controller/transports/ssh.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "runner/base/base64.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/users.hpp"

namespace toehold {

namespace {

// What an account's shell prints before our program starts is noise; this ends it.
constexpr std::string_view begin_mark = "toehold-begin\n";

// The one command line. It reads the number of words, then each of them on a line of its own, and
// becomes that program; what follows on its stdin is the program's. Single quotes: sh, bash, fish
// and csh take such a word as it is.
constexpr const char* run_line =
    "exec sh -c '"
    "echo toehold-begin; IFS= read -r n || exit 126; set --; "
    "while [ \"$n\" -gt 0 ]; do IFS= read -r w || exit 126; set -- \"$@\" \"$w\"; n=$((n-1)); "
    "done; "
    "exec \"$@\"'";
constexpr const char* sudo_run_line =
    "exec sudo -n sh -c '"
    "echo toehold-begin; IFS= read -r n || exit 126; set --; "
    "while [ \"$n\" -gt 0 ]; do IFS= read -r w || exit 126; set -- \"$@\" \"$w\"; n=$((n-1)); "
    "done; "
    "exec \"$@\"'";

// The same for a terminal: nothing is printed, and a login shell says what it likes before.
constexpr const char* terminal_line =
    "exec sh -c '"
    "IFS= read -r n || exit 126; set --; "
    "while [ \"$n\" -gt 0 ]; do IFS= read -r w || exit 126; set -- \"$@\" \"$w\"; n=$((n-1)); "
    "done; "
    "exec \"$@\"'";
constexpr const char* sudo_terminal_line =
    "exec sudo -n sh -c '"
    "IFS= read -r n || exit 126; set --; "
    "while [ \"$n\" -gt 0 ]; do IFS= read -r w || exit 126; set -- \"$@\" \"$w\"; n=$((n-1)); "
    "done; "
    "exec \"$@\"'";

// Arguments: path, mode, SHA-256. The file is stdin.
constexpr const char* upload_script =
    "set -e; umask 077; part=$1.part; cat >\"$part\"; "
    "if ! command -v sha256sum >/dev/null; then "
    "rm -f \"$part\"; echo 'there is no sha256sum to check the file with' >&2; exit 1; fi; "
    "if ! echo \"$3  $part\" | sha256sum -c >/dev/null 2>&1; then "
    "rm -f \"$part\"; echo 'it has not arrived as it was sent' >&2; exit 1; fi; "
    "chmod \"$2\" \"$part\"; mv -f \"$part\" \"$1\"";

std::filesystem::path home() {
  if (const char* home = std::getenv("HOME"); home && *home) return home;
  const std::string home = own_user().home;
  return home.empty() ? "/" : home;
}

std::string current_user() {
  const std::string name = own_user().name;
  return name.empty() ? "root" : name;
}

std::string describe(const HostKey& key) {
  return key.type + " " + fingerprint_of(key);
}

std::string keyscan(const SshAddress& address) {
  const std::string port = address.port == 22 ? "" : " -p " + std::to_string(address.port);
  return "ssh-keyscan -t ed25519" + port + " " + address.host;
}

/// What to ask the server for, so that it shows a key of a type that can be compared.
std::vector<std::string> types_of(const std::vector<HostKey>& keys) {
  std::vector<std::string> types;
  const auto add = [&](const std::string& type) {
    if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
  };
  for (const HostKey& key : keys) {
    if (key.type != "ssh-rsa") {
      add(key.type);
    } else if (SshSession::can_use_rsa()) {
      add("rsa-sha2-512");
      add("rsa-sha2-256");
    }
  }
  return types;
}

Error no_rsa(const std::string& what, const std::string& hint) {
  return Error(Error::Kind::unsupported,
               what + ": libssh2 " + SshSession::library_version() +
                   " knows RSA with SHA-1 alone, which servers have refused since OpenSSH 8.8",
               hint);
}

void compare(const HostKey& got, const std::vector<HostKey>& expected, const KnownHosts& known,
             const SshAddress& address) {
  const std::string place = address.port == 22
                                ? address.host
                                : "'[" + address.host + "]:" + std::to_string(address.port) + "'";
  if (known.is_revoked(got)) {
    throw Error(Error::Kind::untrusted,
                address.text() + " shows the host key " + describe(got) + ", which is revoked",
                "known_hosts says so with @revoked; do not trust this machine");
  }
  if (std::find(expected.begin(), expected.end(), got) != expected.end()) return;
  if (expected.empty()) {
    throw Error(Error::Kind::untrusted,
                "the host key of " + address.text() + " is not known: got " + describe(got),
                "if that is what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints there, "
                "accept it: " +
                    keyscan(address) + " >>~/.ssh/known_hosts");
  }
  std::vector<std::string> fingerprints;
  for (const HostKey& key : expected) fingerprints.push_back(describe(key));
  throw Error(Error::Kind::untrusted,
              address.text() + " is another machine, or has a new host key: expected " +
                  join(fingerprints, " or ") + ", got " + describe(got),
              "if the machine was set up anew, forget its old key: ssh-keygen -R " + place);
}

/// Their number, then each on a line.
std::string as_lines(const std::vector<std::string>& words) {
  std::string lines = std::to_string(words.size()) + "\n";
  for (const std::string& word : words) {
    if (word.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
      throw Error(Error::Kind::usage,
                  "a line end in an argument cannot be sent: " + printable(word));
    }
    lines += word + "\n";
  }
  return lines;
}

}  // namespace

std::string unusable_key(const std::filesystem::path& private_key, bool can_use_rsa,
                         const std::string& library_version) {
  const std::string text = read_file(private_key, 1 << 20);
  std::string body;
  bool rsa = text.find("BEGIN RSA PRIVATE KEY") != std::string::npos;
  bool encrypted = text.find("ENCRYPTED") != std::string::npos;
  if (text.find("BEGIN OPENSSH PRIVATE KEY") != std::string::npos) {
    for (const std::string& line : split(text, '\n')) {
      if (!line.starts_with("-")) body += trim(line);
    }
    // The magic and a NUL, then the cipher's name behind its length; the public key is never
    // encrypted.
    const std::string bytes = base64_decode(body).value_or("");
    rsa = bytes.find("ssh-rsa") != std::string::npos;
    encrypted = bytes.size() > 23 && bytes.substr(19, 4) != "none";
  }
  if (rsa && !can_use_rsa) {
    return private_key.string() + " is an RSA key: libssh2 " + library_version +
           " can use those with SHA-1 alone, which servers have refused since OpenSSH 8.8";
  }
  if (encrypted) return private_key.string() + " is protected by a passphrase";
  return {};
}

SshTransport::SshTransport(SshSettings options) : options_(std::move(options)) {
  if (options_.address.user.empty()) options_.address.user = current_user();
  if (options_.jump && options_.jump->user.empty()) options_.jump->user = current_user();
  std::vector<std::filesystem::path> files = options_.known_hosts;
  if (files.empty()) files = {home() / ".ssh/known_hosts", "/etc/ssh/ssh_known_hosts"};
  for (const auto& file : files) {
    std::error_code error;
    if (options_.known_hosts.empty() && !std::filesystem::exists(file, error)) continue;
    known_hosts_.read(read_file(file, 64 << 20));
  }
}

SshTransport::~SshTransport() = default;

std::string SshTransport::name() const {
  return options_.address.text();
}

void SshTransport::connect(std::stop_token stop) {
  if (session_) return;
  jump_.reset();
  const SshWait wait{Deadline(std::chrono::steady_clock::now() + options_.connect_timeout), stop};
  if (options_.jump) jump_ = open(*options_.jump, nullptr, wait);
  session_ = open(options_.address, jump_.get(), wait);
}

std::unique_ptr<SshSession> SshTransport::open(const SshAddress& address, SshSession* via,
                                               const SshWait& wait) {
  const std::vector<HostKey> expected = known_hosts_.keys_of(address.host, address.port);
  const std::vector<std::string> types = types_of(expected);
  if (!expected.empty() && types.empty()) {
    throw no_rsa(
        "known_hosts has only an RSA key of " + address.text(),
        "add its ed25519 key, after comparing it: " + keyscan(address) + " >>~/.ssh/known_hosts");
  }
  std::unique_ptr<SshSession> session;
  try {
    session = std::make_unique<SshSession>(address, via, types, wait);
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::unsupported) throw;
    if (types.empty()) {
      throw no_rsa(address.text() + " has perhaps only an RSA host key (" + error.what() + ")",
                   "make an ed25519 key there: ssh-keygen -A, and start sshd again");
    }
    // It has no key of a type that we know; see which it has, to say so.
    session = std::make_unique<SshSession>(address, via, std::vector<std::string>{}, wait);
  }
  compare(session->host_key(), expected, known_hosts_, address);
  log_in(*session, address, wait);
  return session;
}

void SshTransport::log_in(SshSession& session, const SshAddress& address, const SshWait& wait) {
  std::vector<std::filesystem::path> keys = options_.identities;
  if (keys.empty()) {
    for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
      const auto path = home() / ".ssh" / name;
      if (::access(path.c_str(), R_OK) == 0) keys.push_back(path);
    }
  }
  std::vector<std::string> tried, unusable;
  for (const auto& key : keys) {
    const std::string reason =
        unusable_key(key, SshSession::can_use_rsa(), SshSession::library_version());
    if (reason.empty() && session.log_in_with_key(key, wait)) return;
    (reason.empty() ? tried : unusable).push_back(reason.empty() ? key.string() : reason);
  }
  if (session.log_in_with_agent(wait)) return;
  if (const char* place = std::getenv("SSH_AUTH_SOCK"); place && *place) {
    tried.push_back("the keys of the agent");
  }
  // The jump host is another machine, and need not know it.
  if (!options_.password.empty() && &address == &options_.address) {
    if (session.log_in_with_password(options_.password, wait)) return;
    tried.push_back("the password");
  }
  std::string message = address.text() + " does not let us in";
  if (!tried.empty()) message += "; refused: " + join(tried, ", ");
  if (!unusable.empty()) message += "; not tried: " + join(unusable, ", ");
  throw Error(Error::Kind::network, message,
              unusable.empty()
                  ? "put the public half of an ed25519 key into ~/.ssh/authorized_keys "
                    "of " +
                        address.user + " there: ssh-copy-id"
                  : "make a key with ssh-keygen -t ed25519, or give one with a "
                    "passphrase to the agent: ssh-add");
}

ProcessResult SshTransport::execute(const std::vector<std::string>& argv, int input,
                                    const OnOutput& on_output, Deadline deadline,
                                    std::stop_token stop) {
  const SshInput all{as_lines(argv), input};
  connect(stop);
  std::string before;  // what stdout has had before the mark
  bool begun = false;
  const OnOutput behind_mark = [&](Stream stream, std::string_view bytes) {
    if (begun || stream == Stream::err || bytes.empty()) return on_output(stream, bytes);
    before += bytes;
    const std::size_t mark = before.find(begin_mark);
    if (mark == std::string::npos) {
      if (before.size() > 1 << 20) before.erase(0, before.size() - begin_mark.size());
      return;
    }
    begun = true;
    on_output(stream, std::string_view(before).substr(mark + begin_mark.size()));
  };
  ProcessResult result;
  try {
    result = session_->execute(options_.sudo ? sudo_run_line : run_line, all, behind_mark,
                               {deadline, stop});
  } catch (...) {
    session_.reset();
    throw;
  }
  if (begun || !result.exit_code) return result;
  throw Error(
      Error::Kind::unsupported,
      name() + ": the account's shell does not run a command: " + printable(before.substr(0, 200)),
      options_.sudo ? "sudo there must not ask for a password: NOPASSWD in sudoers"
                    : "it takes an account whose login shell runs `sh -c`");
}

ProcessResult SshTransport::run(const std::vector<std::string>& argv, const OnOutput& on_output,
                                Deadline deadline, std::stop_token stop) {
  return execute(argv, -1, on_output, deadline, stop);
}

void SshTransport::upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
                          Deadline deadline, std::stop_token stop) {
  const FileDescriptor file(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw Error::from_errno("cannot read " + from.string(), errno);
  const std::string sum = digest_of_file(DigestAlgorithm::sha256, from);
  std::string octal = "000";
  for (std::size_t i = 3; i-- > 0; mode >>= 3) octal[i] = static_cast<char>('0' + (mode & 7));
  std::string said;
  const ProcessResult result = execute(
      {"sh", "-c", upload_script, "upload", to, octal, sum}, file.get(),
      [&](Stream, std::string_view bytes) { said += bytes; }, deadline, stop);
  if (result.succeeded()) return;
  throw Error(Error::Kind::network, "cannot copy " + from.string() + " to " + name() + ":" + to +
                                        ": " + toehold::describe(result) + " " +
                                        std::string(trim(printable(said))));
}

void SshTransport::download(const std::string& from, const std::filesystem::path& to,
                            Deadline deadline, std::stop_token stop) {
  const FileDescriptor file(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) throw Error::from_errno("cannot write " + to.string(), errno);
  std::string said;
  const ProcessResult result = execute(
      {"cat", from}, -1,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::err) {
          said += bytes;
        } else {
          write_all(file.get(), bytes, to.string());
        }
      },
      deadline, stop);
  if (result.succeeded()) return;
  throw Error(Error::Kind::network, "cannot fetch " + name() + ":" + from + ": " +
                                        toehold::describe(result) + " " +
                                        std::string(trim(printable(said))));
}

int SshTransport::interact(const std::vector<std::string>& argv, std::stop_token stop) {
  if (::isatty(STDIN_FILENO) != 1) {
    const ProcessResult result = execute(
        argv, -1,
        [](Stream stream, std::string_view bytes) {
          write_all(stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO, bytes, "the screen");
        },
        {}, stop);
    return result.exit_code.value_or(1);
  }
  const std::string lines = as_lines(argv);
  const auto is_key = [](unsigned char c) { return (c < ' ' && c != '\n') || c == 127; };
  if (std::any_of(lines.begin(), lines.end(), is_key)) {
    throw Error(Error::Kind::usage, "a control character in an argument cannot be typed");
  }
  connect(stop);
  return session_->interact(options_.sudo ? sudo_terminal_line : terminal_line, lines, {{}, stop});
}

}  // namespace toehold
