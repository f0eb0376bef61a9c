#include "runner/controller/remote_machine.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/remote_packages.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

using namespace std::chrono_literals;

namespace {

constexpr auto boot_patience = 900s;
constexpr auto longest_pause = 1500ms;

}  // namespace

RemoteAnswer ask(Transport& transport, const std::vector<std::string>& words,
                 std::stop_token stop) {
  RemoteAnswer answer;
  answer.result = transport.run(
      words,
      [&](Stream stream, std::string_view bytes) {
        std::string& text = stream == Stream::out ? answer.out : answer.err;
        if (text.size() < 4096) text += bytes;
      },
      Deadline(std::chrono::steady_clock::now() + 30s), stop);
  return answer;
}

RemoteMachine::RemoteMachine(const Recipe& recipe, Transport& transport, bool for_test,
                             const BuildContext& context, std::function<void()> must_be_on,
                             bool is_spot)
    : context_(context),
      for_test_(for_test),
      folder_(folder_for(context, for_test)),
      transport_(transport),
      must_be_on_(std::move(must_be_on)),
      agent_(transport_, context.clock, folder_,
             {[this](std::stop_token stop) { restart(stop); }, 600s, must_be_on_,
              working_directories(recipe), records_files(recipe) && !for_test,
              &context.command.actions, [&context] { context.note_down(); }, is_spot,
              [&context] { context.must_hold(); }}),
      stages_(agent_, context) {}

std::string RemoteMachine::folder_for(const BuildContext& context, bool for_test) {
  return "/var/lib/toehold-" + context.build_id + (for_test ? "-test" : "");
}

bool RemoteMachine::has_agent() {
  return ask(transport_, {"test", "-x", agent_.agent_path()}, context_.stop).result.succeeded();
}

AgentBinary RemoteMachine::find_agent() {
  const std::string machine = must_tell({"uname", "-m"}, context_.stop);
  if (must_tell({"id", "-u"}, context_.stop) != "0") {
    throw Error(Error::Kind::unsupported, transport_.name() + " is not root there",
                "log in as root, or let toehold use sudo: write\ntarget:\n  sudo: true");
  }
  return find_agent_binary(machine);
}

void RemoteMachine::install(const AgentBinary& agent) {
  agent_.install(agent, context_.stop);
  if (for_test_) return;
  write_file_atomically(packages_file(), to_json(to_value(packages_now())));
}

std::string RemoteMachine::clean(const std::string& working_directory) {
  std::vector<std::string> words{agent_.agent_path(), "clean", "--discard", folder_};
  if (!working_directory.empty()) {
    words.insert(words.end(), {"--working-directory", working_directory});
  }
  std::string text = "== clean-up";
  for (const std::string& line : split(must_tell(words, context_.stop), '\n')) {
    if (!line.empty()) text += "\n  " + printable(line);
  }
  return text;
}

int RemoteMachine::shell(const std::vector<std::string>& command) {
  return agent_.shell(for_test_ ? "test" : "build", command, context_.stop);
}

PackageList RemoteMachine::packages_before() const {
  return packages_from(parse_json(read_file(packages_file())), packages_file());
}

PackageList RemoteMachine::packages_now() {
  return remote_packages(transport_, context_.directory, context_.processes, context_.stop);
}

std::string RemoteMachine::must_tell(const std::vector<std::string>& words, std::stop_token stop) {
  const RemoteAnswer answer = ask(transport_, words, stop);
  if (answer.result.succeeded()) return std::string(trim(answer.out));
  if (answer.result.cancelled) throw Error(Error::Kind::cancelled, transport_.name());
  throw Error(Error::Kind::network, transport_.name() + ": " + join(words, " ") + ": " +
                                        describe(answer.result) + " " +
                                        std::string(trim(printable(answer.err))));
}

std::string RemoteMachine::boot_id(std::stop_token stop) {
  return must_tell({"cat", "/proc/sys/kernel/random/boot_id"}, std::move(stop));
}

fs::path RemoteMachine::boot_file() const {
  return context_.directory / (for_test_ ? "test-boot-id" : "boot-id");
}

void RemoteMachine::forget_boot() {
  std::error_code ignored;
  fs::remove(boot_file(), ignored);
}

void RemoteMachine::restart(std::stop_token stop) {
  const std::string now = boot_id(stop);
  std::error_code error;
  const bool asked_before = fs::exists(boot_file(), error);
  if (asked_before && trim(read_file(boot_file())) != now) {  // an earlier process, or a person
    fs::remove(boot_file(), error);
    return context_.note_down();
  }
  write_file_atomically(boot_file(), now + "\n");
  context_.note_down();
  if (now == read_platform().boot_id) {
    throw Error(Error::Kind::unsupported,
                "a step wants a reboot, and " + transport_.name() + " is this machine",
                "reboot it, then go on: toehold resume " + context_.build_id);
  }
  context_.say("rebooting " + transport_.name());
  try {
    const auto code = ask(transport_, {"systemctl", "reboot"}, stop).result.exit_code;
    // Without one the machine went down before it could be told: a second reboot would follow.
    if (code.value_or(0) != 0) ask(transport_, {"reboot"}, stop);
  } catch (const Error& failure) {
    if (failure.kind() != Error::Kind::network) throw;  // it may be gone before it has answered
  }
  wait_for_boot(now, stop);
  fs::remove(boot_file(), error);
  context_.note_down();
}

void RemoteMachine::wait_for_boot(const std::string& before, std::stop_token stop) {
  const Monotonic begun = context_.clock.monotonic();
  std::string reason = "it has not gone down";
  for (auto pause = 500ms; context_.clock.monotonic() - begun < boot_patience;
       pause = std::min<std::chrono::milliseconds>(pause * 5 / 4, longest_pause)) {
    if (!context_.clock.sleep_for(pause, stop)) return;
    try {
      if (boot_id(stop) != before) return;
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::untrusted) throw;
      ask_whether_on(must_be_on_);
      reason = error.full_message();
    }
  }
  throw Error(Error::Kind::timeout,
              transport_.name() + " has not come back from its reboot: " + reason,
              "look at its console; then go on: toehold resume " + context_.build_id);
}

}  // namespace toehold
