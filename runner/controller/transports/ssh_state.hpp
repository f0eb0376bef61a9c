// What is behind SshSession: libssh2's objects, and how a call of libssh2 that would block is
// repeated until it does not. Called by ssh_session.cpp and ssh_channel.cpp, which are the fence
// of libssh2 together with this header; waits on the one socket that is under any tunnels.
#pragma once

#include <libssh2.h>

#include <functional>
#include <memory>
#include <string>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/controller/transports/ssh_session.hpp"

namespace toehold {

using SshChannel = std::unique_ptr<LIBSSH2_CHANNEL, int (*)(LIBSSH2_CHANNEL*)>;

struct SshSession::State {
  SshAddress address;
  State* via = nullptr;
  FileDescriptor socket;              // of a direct connection
  LIBSSH2_CHANNEL* tunnel = nullptr;  // a channel of `via` otherwise
  LIBSSH2_SESSION* session = nullptr;
  std::string password;  // while a server asks for it

  ~State();

  int wire() const { return via ? via->wire() : socket.get(); }
  /// Throws what libssh2 says.
  [[noreturn]] void fail(const std::string& what, Error::Kind kind = Error::Kind::network) const;
  /// Until the wire is ready in a direction that libssh2 waits for, or `also` can be read, or a
  /// fifth of a second has passed. Throws when it is time to give up.
  void wait_for_wire(const SshWait& wait, const std::string& what, int also = -1) const;

  template <class Call>
  auto complete(const SshWait& wait, const std::string& what, Call call) const {
    for (;;) {
      const auto result = call();
      if (result != LIBSSH2_ERROR_EAGAIN) return result;
      wait_for_wire(wait, what);
    }
  }
  LIBSSH2_CHANNEL* open(const SshWait& wait, const std::string& what,
                        const std::function<LIBSSH2_CHANNEL*()>& call) const;
  void use_tunnel();
  std::string known_of(int what, const std::string& names) const;
  void agree_on_keys(const std::string& host_key_types, const SshWait& wait);
  SshChannel open_channel(const SshWait& wait, const std::string& what) const;
  SshChannel open_terminal(const std::string& line, const std::string& head, const SshWait& wait,
                           const std::string& what) const;
  void type(LIBSSH2_CHANNEL* channel, std::string_view text, const SshWait& wait,
            const std::string& what) const;
};

}  // namespace toehold
