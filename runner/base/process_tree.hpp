// Which processes a command has started, and how to end them all. Called by process.cpp, and by
// those who find processes by their environment. This process adopts orphans
// (PR_SET_CHILD_SUBREAPER), so whatever a command starts stays below us in /proc, whether it made a
// session of its own or its parent has gone. Starts nothing itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace toehold {

/// One row of /proc. A pid is given out again; together with the start time it names one process.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = ' ';
  int threads = 0;
  unsigned long long started = 0;  // clock ticks since boot
  /// A zombie whose threads have all ended waits only for its parent.
  bool alive() const { return state != 'X' && (state != 'Z' || threads > 1); }
};

/// Empty where /proc is not mounted.
std::vector<ProcessEntry> list_processes();

/// Makes this process the adopter of its orphaned descendants. May be called again and again.
void adopt_orphans();
/// Takes away the zombies among our children, but for the leaders of commands that run now.
void reap_orphans();
/// Sends `signal` to that very process, never to another one that has got its pid since.
void send_signal(const ProcessEntry& entry, int signal);

/// The processes of one command: all descendants of ours but those that were there before it, that
/// belong to another command running now, or that carry another command's environment.
class CommandProcesses {
 public:
  /// Called before the start. `environment`: what the command adds to ours; a child whose value of
  /// one of these names differs was started by another command.
  explicit CommandProcesses(std::vector<std::pair<std::string, std::string>> environment);
  CommandProcesses(const CommandProcesses&) = delete;
  CommandProcesses& operator=(const CommandProcesses&) = delete;
  ~CommandProcesses();

  /// Runs `start`, which returns the pid of the leading process or -1; nobody else reaps it.
  pid_t start(const std::function<pid_t()>& start);
  /// Those that are still there; reaps what has ended.
  std::vector<ProcessEntry> alive();
  void signal_all(int signal);
  /// Stops all, so that none can start another one meanwhile, then kills them.
  void freeze_and_kill();

 private:
  bool is_foreign(const ProcessEntry& child) const;

  using Identity = std::pair<pid_t, unsigned long long>;
  std::vector<std::pair<std::string, std::string>> environment_;
  pid_t leader_ = -1;
  std::set<Identity> before_;
  std::set<Identity> known_;  // ours for good, even if their parents have gone since
  std::set<Identity> dead_;
};

/// Kills what `matches` and has not gone, again and again until nothing is left (at most
/// `patience`); returns how many there were.
int kill_until_gone(const std::function<bool(const ProcessEntry&)>& matches,
                    std::chrono::milliseconds patience);
/// The value of `name` in the environment that the process was started with; false: not there.
bool has_environment(pid_t pid, const std::string& name, std::string& value);

}  // namespace toehold
