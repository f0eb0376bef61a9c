// Batched: one question that many threads ask about things of their own, put to a service in as few
// calls as its pace allows: who asks while the next call is waited for is in it. Made by Watcher
// for each kind of question. Has no thread: the first one to ask makes the call for all.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "runner/aws/call_rate.hpp"
#include "runner/aws/client.hpp"

namespace toehold::aws {

template <class Answer>
class Batched {
 public:
  using Answers = std::map<std::string, Answer>;
  /// What is known of these; what is not is left out. Throws Error.
  using Ask = std::function<Answers(const std::set<std::string>& ids, const Control& control)>;

  /// At most `most` of them in a call.
  Batched(Clock& clock, std::size_t most, CallRate pace, Ask ask)
      : clock_(clock), most_(most), pace_(std::move(pace)), ask_(std::move(ask)) {}

  /// As the service has it after this was called; nullopt: it does not know it. Throws what the
  /// call comes to, Error(timeout) and Error(cancelled) of `control`.
  std::optional<Answer> about(const std::string& id, const Control& control) {
    for (;;) {
      const auto [round, pause] = join(id);
      if (pause) {
        lead(*round, *pause, control);
      } else {
        follow(*round, control);
      }
      if (round->answers) return find(*round->answers, id);
      if (!round->error) continue;  // who made the call was told to stop, or could not
      // One of many may be what the service does not like.
      const bool is_of_one = round->error->kind() != Error::Kind::aws || round->ids.size() == 1;
      if (is_of_one) throw Error(*round->error);
      return alone(id, control);
    }
  }
  /// How many things the next call is for, as far as anybody has asked.
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return open_ ? open_->ids.size() : 0;
  }

 private:
  /// One call, and those who wait for it. Not changed any more once it is over.
  struct Round {
    std::set<std::string> ids;
    bool over = false;
    std::optional<Answers> answers;
    std::optional<Error> error;
  };

  /// With a pause: the call is the caller's to make, after that time.
  std::pair<std::shared_ptr<Round>, std::optional<std::chrono::milliseconds>> join(
      const std::string& id) {
    const std::lock_guard lock(mutex_);
    const bool begins = !open_ || open_->ids.size() >= most_;
    if (begins) open_ = std::make_shared<Round>();
    open_->ids.insert(id);
    if (!begins) return {open_, std::nullopt};
    return {open_, pace_.take(clock_.monotonic())};
  }

  void lead(Round& round, std::chrono::milliseconds pause, const Control& control) {
    const bool goes_on = pause.count() == 0 || clock_.sleep_for(pause, control.stop);
    {
      const std::lock_guard lock(mutex_);
      if (open_.get() == &round) open_.reset();
    }
    std::optional<Answers> answers;
    std::optional<Error> error;
    std::exception_ptr thrown;
    const Control limits = put_off(control, pause);
    if (goes_on) {
      try {
        answers = ask_(round.ids, limits);
      } catch (const Error& failure) {
        error = failure;
      } catch (...) {
        thrown = std::current_exception();
      }
    } else {
      error.emplace(Error::Kind::cancelled, "interrupted");
    }
    // What ends the one who asks is nothing to the others.
    const bool is_own = limits.stop.stop_requested() || limits.deadline.passed(clock_.monotonic());
    {
      const std::lock_guard lock(mutex_);
      round.over = true;
      round.answers = std::move(answers);
      if (!is_own) round.error = error;
    }
    changed_.notify_all();
    if (thrown) std::rethrow_exception(thrown);
    if (is_own && error) throw Error(*error);
  }

  void follow(Round& round, const Control& control) {
    std::unique_lock lock(mutex_);
    const auto is_over = [&] { return round.over; };
    const bool came =
        control.deadline.never()
            ? changed_.wait(lock, control.stop, is_over)
            : changed_.wait_until(lock, control.stop, *control.deadline.at(), is_over);
    if (came) return;
    if (control.stop.stop_requested()) throw Error(Error::Kind::cancelled, "interrupted");
    throw Error(Error::Kind::timeout, "AWS has not answered in time");
  }

  std::optional<Answer> alone(const std::string& id, const Control& control) {
    std::chrono::milliseconds pause;
    {
      const std::lock_guard lock(mutex_);
      pause = pace_.take(clock_.monotonic());
    }
    if (!clock_.sleep_for(pause, control.stop)) throw Error(Error::Kind::cancelled, "interrupted");
    return find(ask_({id}, put_off(control, pause)), id);
  }

  static std::optional<Answer> find(const Answers& answers, const std::string& id) {
    const auto found = answers.find(id);
    return found == answers.end() ? std::nullopt : std::optional(found->second);
  }
  static Control put_off(Control control, std::chrono::milliseconds pause) {
    if (!control.deadline.never()) control.deadline = Deadline(*control.deadline.at() + pause);
    return control;
  }

  Clock& clock_;
  const std::size_t most_;
  CallRate pace_;
  const Ask ask_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<Round> open_;  // the one that waits for its call
};

}  // namespace toehold::aws
