#include "runner/controller/ssm_channel.hpp"

#include <algorithm>
#include <array>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto first_poll = 200ms;
constexpr auto longest_poll = 2000ms;
constexpr auto slice = 200ms;
// An instance that has answered before is back from a restart within this time, or is asked anew.
constexpr auto patience_once_reached = 180s;
constexpr auto unknown_for = 300s;  // after SendCommand, GetCommandInvocation may not know it
constexpr auto time_to_give_up = 5s;
constexpr int looks_for_sent = 4;

struct State {
  const char* details;  // lower case, without blanks
  Error::Kind kind;
  const char* words;
};
constexpr std::array states{
    State{"deliverytimedout", Error::Kind::network,
          "the command was not taken in time: is the instance running, and its SSM agent?"},
    State{"undeliverable", Error::Kind::network,
          "the command cannot be delivered: the instance does not exist, or does not answer"},
    State{"executiontimedout", Error::Kind::network, "the command has run longer than it may"},
    State{"timedout", Error::Kind::network, "the command has taken longer than it may"},
    State{"cancelled", Error::Kind::network, "somebody has cancelled the command"},
    State{"canceled", Error::Kind::network, "somebody has cancelled the command"},
    State{"terminated", Error::Kind::network, "Systems Manager has ended the command"},
    State{"terminatedonreboot", Error::Kind::network,
          "a restart of the instance has ended the command"},
    State{"ratelimitexceeded", Error::Kind::network, "too many commands run in the account"},
    State{"accessdenied", Error::Kind::aws, "the command was denied to whoever sent it"},
    State{"invalidplatform", Error::Kind::aws, "the instance is no Linux machine"}};

bool says(const Error& error, std::string_view code) {
  return std::string_view(error.what()).find(code) != std::string_view::npos;
}

std::string without_blanks(const std::string& details) {
  return lower(replace_all(details, " ", ""));
}

}  // namespace

Error no_answer(const std::string& instance_id, const aws::CommandInvocation& invocation) {
  const std::string details = without_blanks(invocation.details);
  const std::string about = instance_id + ": ";
  for (const State& state : states) {
    if (details == state.details) {
      return Error(state.kind, about + state.words + " (" + invocation.details + ")");
    }
  }
  std::string said(trim(printable(invocation.err.substr(0, 300))));
  if (!said.empty()) said = ": " + said;
  if (invocation.status == "Success") {
    return Error(Error::Kind::network, about + "the command's output has no answer" + said);
  }
  return Error(Error::Kind::network, about + "the command has ended without an answer (" +
                                         invocation.details + ")" + said);
}

SsmChannel::SsmChannel(aws::Watcher& watcher, Clock& clock, const SsmSettings& settings)
    : watcher_(watcher), client_(watcher.session()), clock_(clock), settings_(settings) {}

RelayAnswer SsmChannel::ask(const SsmScript& script, std::chrono::seconds most,
                            const SsmWait& wait) {
  const std::string command_id = send(script, most, wait);
  aws::CommandInvocation invocation;
  try {
    invocation = wait_for_end(command_id, wait);
  } catch (...) {
    cancel(command_id);
    throw;
  }
  auto answer = find_answer(invocation.out, script.mark);
  if (!answer) throw no_answer(settings_.instance_id, invocation);
  was_reached_ = true;
  if (answer->kind == "failed") {
    throw Error(Error::Kind::network,
                settings_.instance_id + ": " +
                    (answer->parts.empty() ? "?" : std::string(printable(answer->parts[0]))));
  }
  return std::move(*answer);
}

void SsmChannel::tell(const SsmScript& script) {
  try {
    const SsmWait wait{Deadline(clock_.monotonic() + time_to_give_up), {}, {}};
    aws::send_command(client_, settings_.region,
                      {settings_.instance_id, script.lines, 30s, 60s, {}}, control(wait));
  } catch (const Error&) {
    // It ends by itself, too, only later.
  }
}

std::string SsmChannel::send(const SsmScript& script, std::chrono::seconds most,
                             const SsmWait& wait) {
  const std::string comment = "toehold " + script.mark;
  const Monotonic began = clock_.monotonic();
  for (auto again = 500ms;; again = std::min<std::chrono::milliseconds>(again * 2, 5s)) {
    must_go_on(wait);
    try {
      std::string id = aws::send_command(client_, settings_.region,
                                         {settings_.instance_id, script.lines, 60s, most, comment},
                                         control(wait));
      silence_.clear();
      return id;
    } catch (const Error& error) {
      must_go_on(wait);
      silence_ = error.full_message();
      const bool unknown = says(error, "InvalidInstanceId");
      if (!unknown && error.kind() != Error::Kind::network) throw;
      if (!unknown && !says(error, "Throttling")) {
        const std::string id = find_sent(comment, wait);
        if (!id.empty()) return id;
      }
      if (clock_.monotonic() - began > patience()) {
        throw Error(Error::Kind::network, error.full_message(), error.hint());
      }
    }
    pause(again, wait);
  }
}

/// Systems Manager may list only some seconds later what it has taken, and a second one would meet
/// the first.
std::string SsmChannel::find_sent(const std::string& comment, const SsmWait& wait) {
  for (int look = 0; look < looks_for_sent; ++look) {
    if (look > 0) pause(1s, wait);
    must_go_on(wait);
    try {
      const auto all = aws::list_command_invocations(client_, settings_.region, {},
                                                     settings_.instance_id, control(wait));
      for (const auto& invocation : all) {
        if (invocation.comment == comment) return invocation.command_id;
      }
    } catch (const Error&) {
      must_go_on(wait);
    }
  }
  return {};
}

std::chrono::seconds SsmChannel::patience() const {
  if (!was_reached_) return settings_.connect_timeout;
  return std::min<std::chrono::seconds>(patience_once_reached, settings_.connect_timeout);
}

aws::CommandInvocation SsmChannel::wait_for_end(const std::string& command_id,
                                                const SsmWait& wait) {
  const Monotonic began = clock_.monotonic();
  Monotonic heard = began;
  std::chrono::milliseconds next = first_poll;
  for (;; next = std::min<std::chrono::milliseconds>(next * 3 / 2, longest_poll)) {
    pause(next, wait);
    must_go_on(wait);
    std::optional<aws::CommandInvocation> invocation;
    try {
      const bool under_way = watcher_.is_under_way(command_id, control(wait));
      if (!under_way) {
        invocation = aws::get_command_invocation(client_, settings_.region, command_id,
                                                 settings_.instance_id, control(wait));
      }
      heard = clock_.monotonic();
      silence_.clear();
      if (under_way) continue;
    } catch (const Error& error) {  // the command goes on whether or not we hear of it
      must_go_on(wait);
      silence_ = error.full_message();
      const bool lasts = clock_.monotonic() - heard > patience();
      if (error.kind() != Error::Kind::network || lasts) throw;
      continue;
    }
    if (invocation && invocation->has_ended()) return *invocation;
    const auto waited = clock_.monotonic() - began;
    if (!invocation && waited > unknown_for) {
      throw Error(Error::Kind::network,
                  "Systems Manager does not know the command " + command_id + " that it has taken");
    }
    const bool begun = invocation && invocation->status == "InProgress";
    if (invocation && !begun && waited > patience()) {
      throw Error(Error::Kind::network, settings_.instance_id + " does not take the command (" +
                                            invocation->details +
                                            "): is it running, and its SSM agent?");
    }
  }
}

bool SsmChannel::pause(std::chrono::milliseconds time, const SsmWait& wait) {
  while (time > 0ms && !wait.deadline.passed(clock_.monotonic())) {
    const auto piece = std::min<std::chrono::milliseconds>(time, slice);
    if (!clock_.sleep_for(piece, wait.stop)) return false;
    if (wait.tick) wait.tick();
    time -= piece;
  }
  return !wait.stop.stop_requested() && !wait.deadline.passed(clock_.monotonic());
}

void SsmChannel::must_go_on(const SsmWait& wait) const {
  if (wait.stop.stop_requested()) throw Error(Error::Kind::cancelled, "interrupted");
  if (!wait.deadline.passed(clock_.monotonic())) return;
  throw Error(Error::Kind::timeout, settings_.instance_id + " has not answered in time" +
                                        (silence_.empty() ? "" : ": " + silence_));
}

aws::Control SsmChannel::control(const SsmWait& wait) const {
  return {wait.deadline, wait.stop, {}};
}

void SsmChannel::cancel(const std::string& command_id) {
  try {
    const SsmWait wait{Deadline(clock_.monotonic() + time_to_give_up), {}, {}};
    aws::cancel_command(client_, settings_.region, command_id, settings_.instance_id,
                        control(wait));
  } catch (const Error&) {
    // Then it goes on to its own end.
  }
}

}  // namespace toehold
