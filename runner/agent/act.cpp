#include "runner/agent/act.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "actions/builtin_actions.hpp"
#include "runner/agent/aws_reach.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/stop.hpp"
#include "runner/base/umask.hpp"
#include "runner/document/condition.hpp"
#include "runner/engine/condition_evaluator.hpp"
#include "runner/engine/registry.hpp"
#include "runner/engine/remote_action.hpp"

namespace toehold {

namespace {

constexpr const char* scratch_parent = "/run";

void send(Frame kind, std::string_view payload) {
  write_all(STDOUT_FILENO, encode_frame(kind, payload), "the controller's pipe");
}

std::string read_standard_input() {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno("cannot read the request", errno);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

void take_environment(const ActionRequest& request) {
  ::clearenv();
  for (const auto& [name, value] : request.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (!request.working_directory.empty() && ::chdir(request.working_directory.c_str()) != 0) {
    throw Error::from_errno("working directory " + request.working_directory, errno);
  }
}

[[noreturn]] void become(const ActionRequest& request) {
  std::vector<char*> argv;
  for (const std::string& word : request.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::umask(static_cast<mode_t>(request.umask));
  ::execvp(argv.front(), argv.data());
  throw Error::from_errno("cannot run " + request.command.front(), errno);
}

Outcome answer_probe(const ActionRequest& request, ProcessRunner& processes,
                     const std::stop_token& stop) {
  const MachineProbe probe = probe_here(processes, stop);
  Value answer;
  if (request.probe == "binaryExists") {
    answer = Value(probe.binary_exists(request.operand));
  } else if (request.probe == "fileExists") {
    answer = Value(probe.file_exists(request.operand));
  } else if (request.probe == "folderExists") {
    answer = Value(probe.folder_exists(request.operand));
  } else if (request.probe == "readFile") {
    answer = Value(read_file(request.operand, 4u << 20));
  } else if (const auto algorithm = digest_algorithm(request.probe)) {
    const auto digest = probe.file_digest(*algorithm, request.operand);
    if (digest) answer = Value(*digest);
  } else {
    return Failed{"unknown question '" + request.probe + "'", {}, {}};
  }
  return Succeeded{{Value::object({{"answer", answer}})}};
}

Outcome run_action(const ActionRequest& request, ProcessRunner& processes, HttpClient& http,
                   AwsReach& aws, const std::stop_token& stop) {
  const ActionRegistry actions(builtin_actions());
  const Action* action = actions.find(request.action);
  if (!action) return Failed{"unknown action '" + request.action + "'", {}, {}};
  SystemClock clock;
  const Platform platform = read_platform();
  const TempDirectory scratch(scratch_parent, "toehold-");
  Deadline deadline;
  if (request.time_limit_ms >= 0) {
    deadline = Deadline(clock.monotonic() + std::chrono::milliseconds(request.time_limit_ms));
  }
  ActionContext context{
      stop,
      deadline,
      processes,
      http,
      aws.objects(),
      clock,
      platform,
      scratch.path(),
      {},
      [](Stream stream, std::string_view bytes) {
        if (bytes.empty()) return send(Frame::tick, {});
        send(stream == Stream::out ? Frame::out : Frame::err, bytes);
      },
      [](int pid) { send(Frame::started, std::to_string(pid)); },
      [](const std::string& text) { send(Frame::note, text); },
      {},
      [&](const Value& inputs) {
        Diagnostics findings(nullptr);
        const auto condition = parse_condition(inputs, "action 'Assert'", findings);
        if (!condition) {
          throw Error(Error::Kind::document, findings.items().front().message);
        }
        const MachineProbe probe = probe_here(processes, stop);
        return ConditionEvaluator(probe, [](const Value& scalar) { return scalar.text(); })
            .holds(*condition);
      }};
  return action->run(request.inputs, context);
}

Outcome failure_of(const Error& error) {
  std::string message = error.full_message();
  if (!error.hint().empty()) message += " (" + error.hint() + ")";
  Failed failed{std::move(message), {}, {}};
  failed.timed_out = error.kind() == Error::Kind::timeout;
  failed.cancelled = error.kind() == Error::Kind::cancelled;
  return failed;
}

}  // namespace

int run_act(const char* file) {
  ::signal(SIGPIPE, SIG_IGN);
  try {
    const ActionRequest request =
        decode_request(file ? read_file(file, 64u << 20) : read_standard_input());
    ::umask(static_cast<mode_t>(request.umask));
    remember_caller_umask();
    ::umask(022);  // for the sandbox's own folders
    const auto http = make_curl_http_client();
    AwsReach aws(std::stop_token{});
    const bool is_s3 = request.action.starts_with("S3");
    // What lies outside of the sandbox is looked at while it can be seen.
    if (is_s3 || request.action == "WebDownload") load_http_library();
    if (is_s3) aws.session().settings();
    if (request.root) {
      bool inside = false;
      const int code = enter_sandbox(*request.root, inside);
      // Nothing of ours is left to do, and after the new process namespace no thread can start that
      // would do it.
      if (!inside) ::_exit(code);
    }
    // The S3 actions run no program that could see our environment, and take credentials from it.
    if (!is_s3) take_environment(request);
    if (!request.command.empty()) become(request);
    ::umask(077);
    const std::stop_token stop = stop_on_signals();
    RealProcessRunner processes;
    Outcome outcome;
    try {
      outcome = request.probe.empty() ? run_action(request, processes, *http, aws, stop)
                                      : answer_probe(request, processes, stop);
    } catch (const Error& error) {
      outcome = failure_of(error);
    }
    send(Frame::outcome, encode_outcome(outcome));
    return 0;
  } catch (const Error& error) {
    std::string text = error.full_message();
    if (!error.hint().empty()) text += " (" + error.hint() + ")";
    std::fprintf(stderr, "%s\n", text.c_str());
    return 1;
  }
}

}  // namespace toehold
