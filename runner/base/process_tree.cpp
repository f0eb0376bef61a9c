#include "runner/base/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

constexpr int most_freeze_rounds = 50;
// A look at /proc may miss a process that was started while it was read.
constexpr int enough_empty_looks = 3;

/// The leaders of the commands that run now; their runner reaps them.
struct Leaders {
  std::mutex mutex;
  std::set<pid_t> pids;
};
Leaders& leaders() {
  static Leaders instance;
  return instance;
}

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

std::optional<ProcessEntry> read_entry(pid_t pid) {
  const FileDescriptor fd(::open(proc_path(pid, "stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 1024> buffer;
  const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size() - 1);
  if (count <= 0) return std::nullopt;
  buffer[static_cast<std::size_t>(count)] = '\0';
  // The second field is the program's name in brackets and may hold brackets and blanks itself.
  const char* rest = std::strrchr(buffer.data(), ')');
  ProcessEntry entry;
  entry.pid = pid;
  // Fields 3, 4, 20 and 22 of proc(5).
  if (!rest || std::sscanf(rest + 1,
                           " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                           "%d %*d %llu",
                           &entry.state, &entry.parent, &entry.threads, &entry.started) != 4) {
    return std::nullopt;
  }
  return entry;
}

std::vector<ProcessEntry> descendants_of(pid_t root, const std::vector<ProcessEntry>& processes,
                                         const std::function<bool(const ProcessEntry&)>& skip) {
  std::multimap<pid_t, const ProcessEntry*> by_parent;
  for (const auto& process : processes) by_parent.emplace(process.parent, &process);
  std::vector<ProcessEntry> found;
  std::vector<pid_t> parents{root};
  while (!parents.empty()) {
    const auto [begin, end] = by_parent.equal_range(parents.back());
    parents.pop_back();
    for (auto child = begin; child != end; ++child) {
      if (skip(*child->second)) continue;
      found.push_back(*child->second);
      parents.push_back(child->second->pid);
    }
  }
  return found;
}

}  // namespace

std::vector<ProcessEntry> list_processes() {
  std::vector<ProcessEntry> processes;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), &::closedir);
  if (!folder) return processes;
  while (const dirent* item = ::readdir(folder.get())) {
    const int pid = std::atoi(item->d_name);
    if (pid <= 0) continue;
    if (const auto entry = read_entry(pid)) processes.push_back(*entry);
  }
  return processes;
}

void adopt_orphans() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    // Inherited as ignored, it would make the kernel throw exit codes away.
    ::signal(SIGCHLD, SIG_DFL);
  });
}

void reap_orphans() {
  const std::lock_guard lock(leaders().mutex);
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    if (leaders().pids.count(info.si_pid) != 0) break;  // it hides those behind it
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
  for (const auto& process : list_processes()) {
    if (process.parent == ::getpid() && !process.alive() &&
        leaders().pids.count(process.pid) == 0) {
      ::waitpid(process.pid, nullptr, WNOHANG);
    }
  }
}

void send_signal(const ProcessEntry& entry, int signal) {
  if (entry.started == 0) {  // there is no /proc; the group is the best that can be had
    ::kill(-entry.pid, signal);
    return;
  }
#ifdef SYS_pidfd_open
  const FileDescriptor fd(static_cast<int>(::syscall(SYS_pidfd_open, entry.pid, 0)));
  if (fd) {
    const auto now = read_entry(entry.pid);
    if (now && now->started == entry.started) {
      ::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0);
    }
    return;
  }
  if (errno != ENOSYS) return;
#endif
  ::kill(entry.pid, signal);
}

bool has_environment(pid_t pid, const std::string& name, std::string& value) {
  std::string block;
  try {
    block = read_file(proc_path(pid, "environ"), 4u << 20);
  } catch (const Error&) {
    return false;  // gone, or not ours to read
  }
  const std::string start = name + "=";
  for (std::size_t at = 0; at < block.size();) {
    const std::size_t end = std::min(block.find('\0', at), block.size());
    if (block.compare(at, start.size(), start) == 0) {
      value = block.substr(at + start.size(), end - at - start.size());
      return true;
    }
    at = end + 1;
  }
  return false;
}

CommandProcesses::CommandProcesses(std::vector<std::pair<std::string, std::string>> environment)
    : environment_(std::move(environment)) {
  adopt_orphans();
  reap_orphans();
  siginfo_t info{};
  const bool childless = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0;
  if (childless) return;  // the usual case, without a look at all of /proc
  for (const auto& process :
       descendants_of(::getpid(), list_processes(), [](const ProcessEntry&) { return false; })) {
    before_.insert({process.pid, process.started});
  }
}

CommandProcesses::~CommandProcesses() {
  if (leader_ <= 0) return;
  const std::lock_guard lock(leaders().mutex);
  leaders().pids.erase(leader_);
}

pid_t CommandProcesses::start(const std::function<pid_t()>& start) {
  const std::lock_guard lock(leaders().mutex);
  leader_ = start();
  if (leader_ > 0) leaders().pids.insert(leader_);
  return leader_;
}

bool CommandProcesses::is_foreign(const ProcessEntry& child) const {
  if (child.pid == leader_ || known_.count({child.pid, child.started}) != 0) return false;
  if (before_.count({child.pid, child.started}) != 0) return true;
  if (child.parent != ::getpid()) return false;  // its parent has been judged
  {
    const std::lock_guard lock(leaders().mutex);
    if (leaders().pids.count(child.pid) != 0) return true;
  }
  std::string value;
  for (const auto& [name, own] : environment_) {
    if (has_environment(child.pid, name, value) && value != own) return true;
  }
  return false;
}

std::vector<ProcessEntry> CommandProcesses::alive() {
  for (;;) {
    reap_orphans();
    const auto processes = list_processes();
    if (processes.empty() && leader_ > 0 && ::kill(-leader_, 0) == 0) {
      return {{leader_, ::getpid(), 'R', 1, 0}};
    }
    std::vector<ProcessEntry> found;
    bool one_has_died = false;
    for (const auto& process :
         descendants_of(::getpid(), processes,
                        [this](const ProcessEntry& child) { return is_foreign(child); })) {
      const Identity identity{process.pid, process.started};
      known_.insert(identity);
      if (process.alive()) {
        found.push_back(process);
      } else {
        one_has_died = dead_.insert(identity).second || one_has_died;
      }
    }
    // What died while /proc was being read may have started another that is not in the list.
    if (!found.empty() || !one_has_died) return found;
  }
}

void CommandProcesses::signal_all(int signal) {
  for (const auto& process : alive()) send_signal(process, signal);
}

void CommandProcesses::freeze_and_kill() {
  std::set<Identity> stopped;
  std::vector<ProcessEntry> all;
  for (int round = 0; round < most_freeze_rounds; ++round) {
    all = alive();
    bool grown = false;
    for (const auto& process : all) {
      if (!stopped.insert({process.pid, process.started}).second) continue;
      send_signal(process, SIGSTOP);
      grown = true;
    }
    if (!grown) break;
  }
  for (const auto& process : all) send_signal(process, SIGKILL);
}

int kill_until_gone(const std::function<bool(const ProcessEntry&)>& matches,
                    std::chrono::milliseconds patience) {
  std::set<std::pair<pid_t, unsigned long long>> seen;
  const auto end = std::chrono::steady_clock::now() + patience;
  for (int empty_looks = 0;;) {
    reap_orphans();
    std::vector<ProcessEntry> left;
    for (const auto& process : list_processes()) {
      if (process.alive() && matches(process)) left.push_back(process);
    }
    empty_looks = left.empty() ? empty_looks + 1 : 0;
    if (empty_looks == enough_empty_looks || std::chrono::steady_clock::now() > end) {
      return static_cast<int>(seen.size());
    }
    // Stopped first: none of them starts another while its siblings are being killed.
    for (const auto& process : left) send_signal(process, SIGSTOP);
    for (const auto& process : left) {
      seen.insert({process.pid, process.started});
      send_signal(process, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace toehold
