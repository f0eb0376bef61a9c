#include "runner/controller/ssh_password.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string from_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw Error::from_errno("cannot read " + path, errno);
  if ((status.st_mode & 077) != 0) {
    throw Error(Error::Kind::usage, "others can read the password in " + path, "chmod 600 " + path);
  }
  return without_line_end(read_file(path, 4096));
}

std::string from_terminal(const std::string& whose) {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  termios before{};
  if (!terminal || ::tcgetattr(terminal.get(), &before) != 0) {
    throw Error(Error::Kind::usage, "there is no terminal to ask for the password of " + whose,
                "write passwordFrom: env:NAME or file:PATH");
  }
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal.get(), TCSANOW, &silent);
  write_all(terminal.get(), "password of " + whose + ": ", "the terminal");
  std::string text;
  char c = 0;
  while (text.size() < 4096) {
    const ssize_t count = ::read(terminal.get(), &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || c == '\n') break;
    text += c;
  }
  ::tcsetattr(terminal.get(), TCSANOW, &before);
  write_all(terminal.get(), "\n", "the terminal");
  return text;
}

}  // namespace

std::string read_password(const std::string& from, const std::string& whose) {
  if (from.empty()) return {};
  if (from == "ask") return from_terminal(whose);
  if (from.starts_with("file:")) return from_file(from.substr(5));
  const std::string name = from.substr(from.find(':') + 1);
  const char* value = std::getenv(name.c_str());
  if (value && *value) return value;
  throw Error(Error::Kind::usage,
              "the password of " + whose + " is to be in $" + name + ", and there is none",
              "set it for this command alone, or write passwordFrom: ask");
}

}  // namespace toehold
