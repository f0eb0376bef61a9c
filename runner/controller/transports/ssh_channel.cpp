#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "runner/controller/transports/ssh_state.hpp"

namespace toehold {

SshChannel SshSession::State::open_channel(const SshWait& wait, const std::string& what) const {
  return {open(wait, what, [&] { return libssh2_channel_open_session(session); }),
          &libssh2_channel_free};
}

namespace {

constexpr std::size_t piece_size = 64 << 10;
// RFC 4254, section 8: ECHO (53) is 0; no more modes.
constexpr std::string_view no_echo("\x35\0\0\0\0\0", 6);

/// The terminal passes every key on, until the end of the scope.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

 private:
  termios before_{};
  bool changed_ = false;
};

/// Hands over what both streams of a channel have; false when neither has any.
bool read_channel(LIBSSH2_CHANNEL* channel, std::string& buffer, const OnOutput& on_output,
                  int& failed) {
  bool any = false;
  buffer.resize(piece_size);
  for (const Stream stream : {Stream::out, Stream::err}) {
    const ssize_t count =
        libssh2_channel_read_ex(channel, stream == Stream::out ? 0 : SSH_EXTENDED_DATA_STDERR,
                                buffer.data(), buffer.size());
    if (count > 0)
      on_output(stream, std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    if (count > 0) any = true;
    if (count < 0 && count != LIBSSH2_ERROR_EAGAIN) failed = static_cast<int>(count);
  }
  return any;
}

winsize terminal_size() {
  winsize size{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size = {24, 80, 0, 0};
  return size;
}

/// What goes to the program's stdin: the head, then the file, then its end.
class Feed {
 public:
  explicit Feed(const SshInput& input) : pending_(input.head), fd_(input.fd) {}

  /// Sends what the channel takes now; true when something went.
  bool send(LIBSSH2_CHANNEL* channel, int& failed) {
    if (ended_) return false;
    if (sent_ == pending_.size()) refill();
    if (sent_ == pending_.size()) {
      const int result = libssh2_channel_send_eof(channel);
      if (result == LIBSSH2_ERROR_EAGAIN) return false;
      if (result != 0) failed = result;
      ended_ = true;
      return true;
    }
    const ssize_t count =
        libssh2_channel_write(channel, pending_.data() + sent_, pending_.size() - sent_);
    if (count > 0) sent_ += static_cast<std::size_t>(count);
    if (count < 0 && count != LIBSSH2_ERROR_EAGAIN) failed = static_cast<int>(count);
    return count > 0;
  }
  void stop() { ended_ = true; }

 private:
  void refill() {
    pending_.clear();
    sent_ = 0;
    if (fd_ < 0) return;
    pending_.resize(piece_size);
    const ssize_t count = ::read(fd_, pending_.data(), pending_.size());
    if (count < 0) throw Error::from_errno("cannot read what is to be sent", errno);
    pending_.resize(static_cast<std::size_t>(count));
  }

  std::string pending_;
  std::size_t sent_ = 0;
  int fd_;
  bool ended_ = false;
};

}  // namespace

ProcessResult SshSession::execute(const std::string& line, const SshInput& input,
                                  const OnOutput& on_output, const SshWait& wait) {
  const State& state = *state_;
  const std::string what = "running a command";
  const SshChannel channel = state.open_channel(wait, what);
  if (state.complete(wait, what,
                     [&] { return libssh2_channel_exec(channel.get(), line.c_str()); }) != 0) {
    state.fail("cannot run a command");
  }
  ProcessResult result;
  Feed feed(input);
  std::string buffer;
  for (;;) {
    result.cancelled = wait.stop.stop_requested();
    result.timed_out = wait.deadline.passed(std::chrono::steady_clock::now());
    if (result.cancelled || result.timed_out) return result;
    int failed = 0, unsent = 0;
    const bool read = read_channel(channel.get(), buffer, on_output, failed);
    if (failed != 0) state.fail("the connection was lost");
    const bool sent = feed.send(channel.get(), unsent);
    if (unsent != 0) feed.stop();  // it reads no more; what it says is still wanted
    if (read || sent) continue;
    if (libssh2_channel_eof(channel.get()) == 1) break;
    on_output(Stream::out, {});
    state.wait_for_wire({}, what);
  }
  state.complete(wait, what, [&] { return libssh2_channel_close(channel.get()); });
  if (state.complete(wait, what, [&] { return libssh2_channel_wait_closed(channel.get()); }) != 0) {
    state.fail("the connection was lost");
  }
  char* signal = nullptr;
  libssh2_channel_get_exit_signal(channel.get(), &signal, nullptr, nullptr, nullptr, nullptr,
                                  nullptr);
  if (signal) {
    result.start_error = "killed by SIG" + std::string(signal);
    libssh2_free(state.session, signal);
  } else {
    result.exit_code = libssh2_channel_get_exit_status(channel.get());
  }
  return result;
}

/// Opens a channel with a terminal that does not echo, starts `line` and types `head`.
SshChannel SshSession::State::open_terminal(const std::string& line, const std::string& head,
                                            const SshWait& wait, const std::string& what) const {
  SshChannel channel = open_channel(wait, what);
  const winsize size = terminal_size();
  const char* term = std::getenv("TERM");
  const std::string terminal = term && *term ? term : "dumb";
  int failed = complete(wait, what, [&] {
    return libssh2_channel_request_pty_ex(
        channel.get(), terminal.data(), static_cast<unsigned>(terminal.size()), no_echo.data(),
        static_cast<unsigned>(no_echo.size()), size.ws_col, size.ws_row, 0, 0);
  });
  if (failed == 0) {
    failed =
        complete(wait, what, [&] { return libssh2_channel_exec(channel.get(), line.c_str()); });
  }
  if (failed != 0) fail("cannot open a shell");
  type(channel.get(), head, wait, what);
  return channel;
}

void SshSession::State::type(LIBSSH2_CHANNEL* channel, std::string_view text, const SshWait& wait,
                             const std::string& what) const {
  while (!text.empty()) {
    const ssize_t sent = complete(
        wait, what, [&] { return libssh2_channel_write(channel, text.data(), text.size()); });
    if (sent < 0) fail("the connection was lost");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

int SshSession::interact(const std::string& line, const std::string& head, const SshWait& wait) {
  const State& state = *state_;
  const std::string what = "opening a shell";
  const SshChannel channel = state.open_terminal(line, head, wait, what);
  winsize size = terminal_size();
  int failed = 0;
  const RawTerminal raw;
  std::string buffer, typed(4096, '\0');
  const auto show = [](Stream, std::string_view bytes) {
    write_all(STDOUT_FILENO, bytes, "standard output");
  };
  while (libssh2_channel_eof(channel.get()) != 1) {
    if (read_channel(channel.get(), buffer, show, failed)) continue;
    if (failed != 0) state.fail("the connection was lost");
    pollfd keys{STDIN_FILENO, POLLIN, 0};
    if (::poll(&keys, 1, 0) == 1) {
      const ssize_t count = ::read(STDIN_FILENO, typed.data(), typed.size());
      if (count <= 0) break;
      state.type(channel.get(), std::string_view(typed).substr(0, static_cast<std::size_t>(count)),
                 wait, what);
      continue;
    }
    const winsize now = terminal_size();
    if (now.ws_col != size.ws_col || now.ws_row != size.ws_row) {
      size = now;
      state.complete(wait, what, [&] {
        return libssh2_channel_request_pty_size(channel.get(), size.ws_col, size.ws_row);
      });
    }
    state.wait_for_wire(wait, what, STDIN_FILENO);
  }
  state.complete(wait, what, [&] { return libssh2_channel_close(channel.get()); });
  return libssh2_channel_get_exit_status(channel.get());
}

}  // namespace toehold
