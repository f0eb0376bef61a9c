#include "runner/controller/transports/ssh_session.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/transports/ssh_state.hpp"

namespace toehold {

namespace {

constexpr int keep_alive_seconds = 15;
// A peer that does not acknowledge for so long is gone: three keep-alives.
constexpr unsigned dead_after_millis = 45000;

// The kernel asks for a connection again after 1, 3, 7 s and so on: what comes back while it boots
// would be noticed later and later.
constexpr std::chrono::seconds ask_anew_after(2);

// What libssh2 1.10 offers that nobody advises against; a server without any of a row is told no.
constexpr const char* key_exchanges =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
    "ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
    "diffie-hellman-group14-sha256,diffie-hellman-group-exchange-sha256";
constexpr const char* host_keys =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521";
constexpr const char* ciphers = "aes256-ctr,aes192-ctr,aes128-ctr";
constexpr const char* macs =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";

void start_library() {
  static const int started = libssh2_init(0);
  if (started != 0) throw Error(Error::Kind::network, "libssh2 does not start");
}

/// Throws when it is time to give up.
void check(const SshWait& wait, const std::string& what) {
  if (wait.stop.stop_requested()) throw Error(Error::Kind::cancelled, what + ": cancelled");
  if (wait.deadline.passed(std::chrono::steady_clock::now())) {
    throw Error(Error::Kind::timeout, what + ": timed out");
  }
}

FileDescriptor connect_to(const addrinfo& place, const SshWait& wait, const std::string& what) {
  FileDescriptor fd(::socket(place.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw Error::from_errno(what, errno);
  if (::connect(fd.get(), place.ai_addr, place.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return {};
    const auto begun = std::chrono::steady_clock::now();
    for (pollfd poll{fd.get(), POLLOUT, 0}; ::poll(&poll, 1, 100) <= 0;) {
      check(wait, what);
      if (std::chrono::steady_clock::now() - begun < ask_anew_after) continue;
      errno = ETIMEDOUT;
      return {};
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error != 0) return {};
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_after_millis,
               sizeof dead_after_millis);
  return fd;
}

FileDescriptor connect_to(const SshAddress& address, const SshWait& wait) {
  const std::string what = "cannot connect to " + address.text();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) throw Error(Error::Kind::network, what + ": " + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> places(found, &::freeaddrinfo);
  do {
    check(wait, what);
    for (const addrinfo* place = found; place; place = place->ai_next) {
      FileDescriptor fd = connect_to(*place, wait, what);
      if (fd) return fd;
    }
  } while (errno == ETIMEDOUT);
  throw Error(Error::Kind::network, what + ": " + std::strerror(errno));
}

}  // namespace

bool takes_connections(const SshAddress& address, const SshWait& wait) {
  try {
    return static_cast<bool>(connect_to(address, wait));
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::network) throw;
    return false;
  }
}

std::string SshAddress::text() const {
  const std::string at = user.empty() ? host : user + "@" + host;
  return port == 22 ? at : at + " port " + std::to_string(port);
}

SshSession::State::~State() {
  // A second at most each: the other side may be gone.
  const auto patiently = [this](auto call) {
    for (int tries = 0; call() == LIBSSH2_ERROR_EAGAIN && tries < 50; ++tries) {
      pollfd ready{wire(), POLLIN, 0};
      ::poll(&ready, 1, 20);
    }
  };
  if (session) {
    patiently([this] { return libssh2_session_disconnect(session, "done"); });
    patiently([this] { return libssh2_session_free(session); });
  }
  if (tunnel) patiently([this] { return libssh2_channel_free(tunnel); });
}

void SshSession::State::fail(const std::string& what, Error::Kind kind) const {
  char* message = nullptr;
  libssh2_session_last_error(session, &message, nullptr, 0);
  throw Error(kind, address.text() + ": " + what + ": " + (message ? message : "unknown"));
}

void SshSession::State::wait_for_wire(const SshWait& wait, const std::string& what,
                                      int also) const {
  check(wait, address.text() + ": " + what);
  short events = 0;
  for (const State* each = this; each; each = each->via) {
    const int directions = libssh2_session_block_directions(each->session);
    if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND) events |= POLLOUT;
    if (directions & LIBSSH2_SESSION_BLOCK_INBOUND) events |= POLLIN;
  }
  std::array<pollfd, 2> fds{pollfd{wire(), events ? events : static_cast<short>(POLLIN), 0},
                            pollfd{also, POLLIN, 0}};
  ::poll(fds.data(), also < 0 ? 1 : 2, 200);
  int next = 0;
  if (!(events & POLLOUT)) libssh2_keepalive_send(session, &next);
}

LIBSSH2_CHANNEL* SshSession::State::open(const SshWait& wait, const std::string& what,
                                         const std::function<LIBSSH2_CHANNEL*()>& call) const {
  for (;;) {
    if (LIBSSH2_CHANNEL* channel = call()) return channel;
    if (libssh2_session_last_errno(session) != LIBSSH2_ERROR_EAGAIN) fail(what);
    wait_for_wire(wait, what);
  }
}

namespace {

// The other side of a tunnel: libssh2 wants the results of send() and recv(), errors negated.
ssize_t negated(ssize_t result) {
  return result == LIBSSH2_ERROR_EAGAIN ? -EAGAIN : result < 0 ? -ECONNRESET : result;
}

ssize_t send_through(LIBSSH2_CHANNEL* tunnel, const void* bytes, size_t size) {
  return negated(libssh2_channel_write(tunnel, static_cast<const char*>(bytes), size));
}

ssize_t receive_through(LIBSSH2_CHANNEL* tunnel, void* bytes, size_t size) {
  return negated(libssh2_channel_read(tunnel, static_cast<char*>(bytes), size));
}

/// libssh2 frees what it is given.
void answer_all(const std::string& password, int count, LIBSSH2_USERAUTH_KBDINT_RESPONSE* answers) {
  for (int i = 0; i < count; ++i) {
    answers[i].text = ::strdup(password.c_str());
    answers[i].length = static_cast<unsigned>(password.size());
  }
}

}  // namespace

SshSession::SshSession(SshAddress address, SshSession* via,
                       const std::vector<std::string>& key_types, const SshWait& wait)
    : state_(std::make_unique<State>()) {
  start_library();
  State& state = *state_;
  state.address = std::move(address);
  if (via) {
    State& jump = *via->state_;
    state.via = &jump;
    const std::string what = "cannot reach " + state.address.text() + " through it";
    state.tunnel = jump.open(wait, what, [&] {
      return libssh2_channel_direct_tcpip(jump.session, state.address.host.c_str(),
                                          state.address.port);
    });
  } else {
    state.socket = connect_to(state.address, wait);
  }
  state.session = libssh2_session_init_ex(nullptr, nullptr, nullptr, &state);
  if (!state.session) throw Error(Error::Kind::network, "libssh2 does not start");
  libssh2_session_set_blocking(state.session, 0);
  if (via) state.use_tunnel();
  state.agree_on_keys(key_types.empty() ? host_keys : join(key_types, ","), wait);
}

void SshSession::State::use_tunnel() {
  using Bytes = ssize_t(libssh2_socket_t, void*, size_t, int, void**);
  Bytes* send = [](libssh2_socket_t, void* bytes, size_t size, int, void** state_of) {
    return send_through(static_cast<State*>(*state_of)->tunnel, bytes, size);
  };
  Bytes* receive = [](libssh2_socket_t, void* bytes, size_t size, int, void** state_of) {
    return receive_through(static_cast<State*>(*state_of)->tunnel, bytes, size);
  };
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, reinterpret_cast<void*>(send));
  libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, reinterpret_cast<void*>(receive));
}

/// Without those that this libssh2 does not know: it would drop them itself, and 1.10 does so with
/// a copy onto overlapping memory.
std::string SshSession::State::known_of(int what, const std::string& names) const {
  const char** algorithms = nullptr;
  const int count = libssh2_session_supported_algs(session, what, &algorithms);
  if (count < 0) fail("libssh2 does not say what it knows");
  std::vector<std::string> known;
  for (const std::string& name : split(names, ',')) {
    const bool there = std::any_of(algorithms, algorithms + count,
                                   [&](const char* other) { return name == other; });
    if (there) known.push_back(name);
  }
  if (algorithms) libssh2_free(session, algorithms);
  return join(known, ",");
}

void SshSession::State::agree_on_keys(const std::string& host_key_types, const SshWait& wait) {
  const auto prefer = [&](int what, const std::string& names) {
    const std::string known = known_of(what, names);
    if (known.empty() || libssh2_session_method_pref(session, what, known.c_str()) != 0) {
      fail("libssh2 has none of " + names, Error::Kind::unsupported);
    }
  };
  prefer(LIBSSH2_METHOD_KEX, key_exchanges);
  prefer(LIBSSH2_METHOD_HOSTKEY, host_key_types);
  for (const int way : {LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC}) prefer(way, ciphers);
  for (const int way : {LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC}) prefer(way, macs);
  const int failed =
      complete(wait, "handshake", [&] { return libssh2_session_handshake(session, wire()); });
  if (failed == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE || failed == LIBSSH2_ERROR_METHOD_NONE ||
      failed == LIBSSH2_ERROR_KEX_FAILURE) {
    fail("no way to agree on keys", Error::Kind::unsupported);
  }
  if (failed != 0) fail("the handshake failed");
}

SshSession::~SshSession() = default;

bool SshSession::can_use_rsa() {
  return libssh2_version(0x010b00) != nullptr;
}

std::string SshSession::library_version() {
  return libssh2_version(0);
}

HostKey SshSession::host_key() const {
  std::size_t size = 0;
  int type = 0;
  const char* blob = libssh2_session_hostkey(state_->session, &size, &type);
  if (!blob) state_->fail("the server has shown no key");
  return make_host_key(std::string(blob, size));
}

bool SshSession::log_in_with_key(const std::filesystem::path& private_key, const SshWait& wait) {
  const State& state = *state_;
  const std::string& user = state.address.user;
  const int failed = state.complete(wait, "logging in", [&] {
    return libssh2_userauth_publickey_fromfile_ex(state.session, user.data(),
                                                  static_cast<unsigned>(user.size()), nullptr,
                                                  private_key.c_str(), nullptr);
  });
  if (failed == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
      failed == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED) {
    return false;
  }
  if (failed != 0) state.fail("cannot log in with " + private_key.string());
  libssh2_keepalive_config(state.session, 1, keep_alive_seconds);
  return true;
}

bool SshSession::log_in_with_agent(const SshWait& wait) {
  const char* place = std::getenv("SSH_AUTH_SOCK");
  if (!place || !*place) return false;
  const State& state = *state_;
  const std::unique_ptr<LIBSSH2_AGENT, void (*)(LIBSSH2_AGENT*)> agent(
      libssh2_agent_init(state.session), &libssh2_agent_free);
  if (!agent || libssh2_agent_connect(agent.get()) != 0) return false;
  bool in = false;
  if (libssh2_agent_list_identities(agent.get()) == 0) {
    libssh2_agent_publickey *key = nullptr, *before = nullptr;
    for (; !in && libssh2_agent_get_identity(agent.get(), &key, before) == 0; before = key) {
      const std::string_view blob(reinterpret_cast<char*>(key->blob), key->blob_len);
      if (!can_use_rsa() && blob.find("ssh-rsa") == 4) continue;
      in = state.complete(wait, "logging in", [&] {
        return libssh2_agent_userauth(agent.get(), state.address.user.c_str(), key);
      }) == 0;
    }
  }
  libssh2_agent_disconnect(agent.get());
  if (in) libssh2_keepalive_config(state.session, 1, keep_alive_seconds);
  return in;
}

bool SshSession::log_in_with_password(const std::string& password, const SshWait& wait) {
  State& state = *state_;
  const std::string& user = state.address.user;
  const auto size = static_cast<unsigned>(user.size());
  state.password = password;
  int failed = state.complete(wait, "logging in", [&] {
    return libssh2_userauth_password_ex(state.session, user.data(), size, password.data(),
                                        static_cast<unsigned>(password.size()), nullptr);
  });
  if (failed == LIBSSH2_ERROR_AUTHENTICATION_FAILED) {
    const auto answer = [](const char*, int, const char*, int, int count,
                           const LIBSSH2_USERAUTH_KBDINT_PROMPT*,
                           LIBSSH2_USERAUTH_KBDINT_RESPONSE* answers, void** state_of) {
      answer_all(static_cast<State*>(*state_of)->password, count, answers);
    };
    failed = state.complete(wait, "logging in", [&] {
      return libssh2_userauth_keyboard_interactive_ex(state.session, user.data(), size, answer);
    });
  }
  state.password.clear();
  if (failed == LIBSSH2_ERROR_AUTHENTICATION_FAILED) return false;
  if (failed != 0) state.fail("cannot log in with the password");
  libssh2_keepalive_config(state.session, 1, keep_alive_seconds);
  return true;
}

}  // namespace toehold
