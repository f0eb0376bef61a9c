// A web server on 127.0.0.1 that gives the replies of a script, one a request, and can cut, reset
// or hold the connection after each. Included by tests of HTTP; never listens beyond loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold::test {

struct Reply {
  enum class Then { keep, close, reset, hold };
  std::string bytes;
  Then then = Then::keep;
};

/// A whole response; `headers` are lines that end in "\r\n".
inline Reply reply(int status, const std::string& body, const std::string& headers = {}) {
  return {"HTTP/1.1 " + std::to_string(status) + " Reason\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body};
}
/// The same, of which only the first `sent` bytes of the body come before the connection ends.
inline Reply cut_reply(int status, const std::string& body, std::size_t sent,
                       const std::string& headers = {}, Reply::Then then = Reply::Then::close) {
  Reply cut = reply(status, body, headers);
  cut.bytes.resize(cut.bytes.size() - body.size() + sent);
  cut.then = then;
  return cut;
}
inline Reply redirect(const std::string& to, int status = 302) {
  return reply(status, "gone elsewhere", "Location: " + to + "\r\n");
}

class LoopbackServer {
 public:
  explicit LoopbackServer(std::vector<Reply> script = {})
      : script_(script.begin(), script.end()),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::setenv("no_proxy", "127.0.0.1", 1);  // whatever this machine needs for the rest of the world
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
        ::getsockname(listener_.get(), generic, &size) != 0) {
      throw std::runtime_error("no loopback server");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  void add(Reply next) {
    const std::lock_guard lock(mutex_);
    script_.push_back(std::move(next));
  }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int port() const { return port_; }
  int connections() const { return connections_; }
  /// The head of every request so far, then its body.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  /// "GET /path" of a request.
  std::string line(std::size_t number) const {
    const std::string request = requests().at(number);
    return request.substr(0, request.find(" HTTP/"));
  }
  /// A header of a request, empty when it is not there.
  std::string header(std::size_t number, const std::string& name) const {
    for (const std::string& line : split(requests().at(number), '\n')) {
      if (equals_ignoring_case(line.substr(0, name.size() + 1), name + ":")) {
        return std::string(trim(line.substr(name.size() + 1)));
      }
    }
    return {};
  }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    std::string received;
    for (;;) {
      std::size_t end = 0;
      while ((end = received.find("\r\n\r\n")) == std::string::npos) {
        if (!receive(fd, received)) return finish(fd);
      }
      std::size_t size = end + 4;
      const std::string head = lower(received.substr(0, end));
      if (const std::size_t at = head.find("content-length: "); at != std::string::npos) {
        size += std::stoul(head.substr(at + 16));
      }
      while (received.size() < size) {
        if (!receive(fd, received)) return finish(fd);
      }
      const Reply next = take(received.substr(0, size));
      received.erase(0, size);
      std::string_view rest = next.bytes;
      while (!rest.empty()) {
        const ssize_t count = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count <= 0) return finish(fd);
        rest.remove_prefix(static_cast<std::size_t>(count));
      }
      if (next.then == Reply::Then::keep) continue;
      if (next.then == Reply::Then::hold) {
        while (receive(fd, received)) continue;
      } else if (next.then == Reply::Then::reset) {
        const linger at_once{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      }
      return finish(fd);
    }
  }

  static bool receive(int fd, std::string& into) {
    char buffer[4096];
    const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count > 0) into.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  void finish(int fd) {
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    ::close(fd);
  }

  Reply take(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    if (script_.empty()) return reply(418, "the script is at its end");
    Reply next = std::move(script_.front());
    script_.pop_front();
    return next;
  }

  mutable std::mutex mutex_;
  std::deque<Reply> script_;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::atomic<int> connections_ = 0;
  FileDescriptor listener_;
  int port_ = 0;
  std::thread acceptor_;
};

}  // namespace toehold::test
