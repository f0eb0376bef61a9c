// RemoteAgent: one stage of a build on another machine. Brings the agent and the documents there,
// starts a run that needs neither the connection nor us, and follows it from where it was last
// heard of. Called by the providers of machines with a Transport; knows none of them.
#pragma once

#include <functional>
#include <string>

#include "runner/controller/agent_binary.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/transports/transport.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

/// How a run on another machine ended.
struct RemoteEnd {
  std::optional<int> exit_code;  // of the agent; none: something killed it
  std::string message;           // why there is no exit code
  std::string said;              // the last of what the agent printed to stderr
  std::string log_directory;     // there; empty: it never began
  bool interrupted = false;      // we were told to stop, and have stopped it
  /// When the spot instance will be taken back, as it was told itself; the run was stopped for it.
  std::string taken_back;
};

struct RemoteOptions {
  /// Restarts the machine and returns when it can be reached again; empty: it cannot be done.
  std::function<void(std::stop_token)> restart;
  /// How long a lost connection is tried again before we give up; the run goes on there.
  std::chrono::seconds patience{600};
  /// Asked when the connection is lost; throws when the machine is gone and will not come back.
  std::function<void()> must_be_on;
  /// Where steps run: the first of these folders that there is.
  std::vector<std::string> directories;
  /// Whether the logs say which files each step changes.
  bool record_files = false;
  /// For finding nested documents to send along; null: none are.
  const ActionRegistry* actions = nullptr;
  /// Called when a run is about to begin there, and when one is forgotten; may be empty.
  std::function<void()> noted = {};
  /// It is a spot instance of EC2: its notice ends the run, while there is time to fetch the logs.
  bool is_spot = false;
  /// Throws when another machine has the run now; asked before one is ended. May be empty.
  std::function<void()> must_hold = {};
};

/// Asks it, if there is one. That it cannot be asked now, since our own network is away or a
/// service is in trouble, says nothing of the machine.
void ask_whether_on(const std::function<void()>& must_be_on);

/// The recipe's working directory, else as in the sandbox.
std::vector<std::string> working_directories(const Recipe& recipe);

class RemoteAgent {
 public:
  /// `folder`: absolute, ours alone, not used by anything else there.
  RemoteAgent(Transport& transport, Clock& clock, std::string folder, RemoteOptions options);

  /// Makes the folder and puts the agent there. Throws Error.
  void install(const AgentBinary& agent, std::stop_token stop);
  /// Runs a stage, or its steps from `from` ("phase.step" or an id), to its end through reboots and
  /// lost connections. A stage that was begun and not forgotten it follows instead, and tells the
  /// sink all of it again; `seen` is called with true while that is so. Throws Error(network) when
  /// the machine stays out of reach.
  RemoteEnd run(const Stage& stage, const std::string& from, EventSink& sink,
                const std::function<void(bool seen)>& seen, std::stop_token stop);
  /// The next run of the stage is another one.
  void forget(const Stage& stage);
  /// A shell, or `command`, with this terminal, where the step is that failed last. Returns its
  /// exit code.
  int shell(const std::string& stage, const std::vector<std::string>& command,
            std::stop_token stop);
  /// Fetches the log folder of a stage. Throws Error.
  void fetch_logs(const RemoteEnd& end, const Stage& stage, std::stop_token stop);
  /// Stops what runs in the folder there and removes it; false when it is still there, or when the
  /// machine cannot be reached.
  bool remove();

  std::string agent_path() const { return folder_ + "/toehold-agent"; }

 private:
  struct Following;
  ProcessResult run_agent(const std::vector<std::string>& words, std::string& out, std::string& err,
                          std::stop_token stop);
  void send_stage(const Stage& stage, std::stop_token stop);
  void start(const Stage& stage, const std::string& from, std::stop_token stop);
  void follow(Following& following, std::stop_token stop);
  std::string follow_to_end(Following& following, const Stage& stage, std::stop_token stop);
  void end_run(const Stage& stage);
  std::string place_of(const Stage& stage) const { return folder_ + "/" + stage.name; }
  void fetch_folder(const std::string& from, const std::filesystem::path& folder,
                    std::stop_token stop);
  void add_directories(std::vector<std::string>& words) const;

  Transport& transport_;
  Clock& clock_;
  std::string folder_;
  RemoteOptions options_;
};

}  // namespace toehold
