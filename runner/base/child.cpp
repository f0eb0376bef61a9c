#include "runner/base/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

#include "runner/base/error.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/umask.hpp"

namespace toehold {

namespace {

unsigned descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

std::vector<std::string> child_environment(const Command& command) {
  std::vector<std::string> entries;
  std::set<std::string_view> replaced;
  for (const auto& [name, value] : command.environment) replaced.insert(name);
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    if (replaced.count(text.substr(0, text.find('='))) == 0) entries.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) entries.push_back(name + "=" + value);
  return entries;
}

}  // namespace

FileDescriptor open_null(int flags) {
  FileDescriptor fd(::open("/dev/null", flags | O_CLOEXEC));
  if (!fd) {
    throw Error(Error::Kind::process,
                std::string("cannot open /dev/null: ") + std::strerror(errno));
  }
  return fd;
}

FileDescriptor open_input(const std::string& text) {
  if (text.empty()) return open_null(O_RDONLY);
  FileDescriptor fd(::memfd_create("toehold-input", MFD_CLOEXEC));
  if (!fd) {
    throw Error(Error::Kind::process, std::string("no memory file: ") + std::strerror(errno));
  }
  write_all(fd.get(), text, "a file in memory");
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

Child::Child(const Command& command, Stdio stdio, bool dies_with_us)
    : command_(command),
      entries_(child_environment(command)),
      stdio_(stdio),
      dies_with_us_(dies_with_us),
      parent_(::getpid()),
      umask_(caller_umask()),
      most_descriptors_(descriptor_limit()) {
  const std::string& name = command.argv.front();
  program_ = name.find('/') != std::string::npos ? name : find_in_path(name).value_or("");
  for (const auto& argument : command.argv) argv_.push_back(argument.c_str());
  argv_.push_back(nullptr);
  for (const auto& entry : entries_) environment_.push_back(entry.c_str());
  environment_.push_back(nullptr);
}

void Child::become() const noexcept {
  ::setsid();
  if (dies_with_us_) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent_) ::_exit(127);
  }
  ::umask(umask_);
  if (!command_.working_directory.empty() && ::chdir(command_.working_directory.c_str()) != 0) {
    fail(-errno);
  }
  if (::dup2(stdio_.in, 0) < 0 || ::dup2(stdio_.out, 1) < 0 || ::dup2(stdio_.err, 2) < 0) {
    fail(errno);
  }
  close_others();
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(program_.c_str(), const_cast<char* const*>(argv_.data()),
           const_cast<char* const*>(environment_.data()));
  fail(errno);
}

void Child::fail(int reason) const noexcept {
  failure_ = reason;
  ::_exit(127);
}

void Child::close_others() const noexcept {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
#endif
  for (unsigned fd = 3; fd < most_descriptors_; ++fd) ::close(static_cast<int>(fd));
}

std::string Child::failure() const {
  const int reason = failure_;
  if (program_.empty()) return command_.argv.front() + ": not found in PATH";
  if (reason == 0) return {};
  if (reason < 0) {
    return "working directory " + command_.working_directory + ": " + std::strerror(-reason);
  }
  if (reason == ENOENT && ::access(program_.c_str(), F_OK) == 0) {
    return program_ + ": the interpreter that it needs (its #! line or loader) was not found";
  }
  std::string text = program_ + ": " + std::strerror(reason);
  if (reason == EACCES) {
    text += " (not an executable file, or on a file system mounted noexec)";
  } else if (reason == ENOEXEC) {
    text += " (no program for this machine; a script needs a first line like #!/bin/sh)";
  } else if (reason == E2BIG) {
    text += " (arguments and environment are larger than the kernel takes)";
  }
  return text;
}

}  // namespace toehold
