#include "runner/aws/crew.hpp"

#include <chrono>
#include <system_error>
#include <utility>

namespace toehold::aws {

namespace {
constexpr std::chrono::milliseconds heartbeat_every(100);
}

Crew::Crew(Session& session, const TransferControl& control, std::size_t most_threads)
    : session_(session),
      control_(control),
      most_threads_(most_threads),
      pass_on_(control.stop, [this] { stop_.request_stop(); }) {}

Crew::~Crew() {
  stop_.request_stop();
  end();
}

void Crew::add(Job job, bool next) {
  const std::lock_guard lock(mutex_);
  if (next) {
    jobs_.push_front(std::move(job));
  } else {
    jobs_.push_back(std::move(job));
  }
  if (waiting_ < jobs_.size() && threads_.size() < most_threads_) {
    start_thread();
  }
  wake_.notify_one();
}

/// One does all of it in the end; further ones are for as long as there is room for them.
void Crew::start_thread() {
  const bool is_first = threads_.empty();
  if (!is_first && !session_.take_helper()) return;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    if (is_first) {
      throw Error(Error::Kind::process, "cannot start a thread: " + error.code().message(),
                  "allow this process more of them: ulimit -u, or pids.max of its cgroup");
    }
    session_.give_back_helpers(1);
  }
}

void Crew::run() {
  try {
    watch();
  } catch (...) {  // of a callback
    stop_.request_stop();
    end();
    throw;
  }
  end();
  tell();
  if (error_) std::rethrow_exception(error_);
}

void Crew::watch() {
  std::unique_lock lock(mutex_);
  while (!is_idle()) {
    change_.wait_for(lock, heartbeat_every);
    lock.unlock();
    tell();
    if (control_.heartbeat) control_.heartbeat();
    lock.lock();
  }
}

/// No job runs and no thread is left afterwards.
void Crew::end() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    wake_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  if (threads_.size() > 1) session_.give_back_helpers(threads_.size() - 1);
  threads_.clear();
}

void Crew::tell() {
  std::vector<std::string> notes;
  {
    const std::lock_guard lock(mutex_);
    notes.swap(notes_);
  }
  for (const std::string& text : notes) {
    if (control_.note) control_.note(text);
  }
}

void Crew::work() {
  std::unique_ptr<Client> client;
  std::unique_lock lock(mutex_);
  for (;;) {
    ++waiting_;
    wake_.wait(lock, [this] { return over_ || error_ || !jobs_.empty(); });
    --waiting_;
    if (over_ || error_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++running_;
    lock.unlock();
    try {
      if (!client) client = std::make_unique<Client>(session_);
      job(*client);
    } catch (...) {
      fail(std::current_exception());
    }
    lock.lock();
    --running_;
    if (is_idle()) change_.notify_one();
  }
}

void Crew::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (error_) return;  // the others end because of the first
  error_ = std::move(error);
  stop_.request_stop();
  wake_.notify_all();
}

Control Crew::control(const std::string& resource) {
  return {control_.deadline, stop_.get_token(),
          [this, resource](const std::string& text) { note(resource + ": " + text); }};
}

void Crew::note(std::string text) {
  const std::lock_guard lock(mutex_);
  notes_.push_back(std::move(text));
  change_.notify_one();
}

void Crew::check() const {
  if (stop_.stop_requested()) throw Error(Error::Kind::cancelled, "cancelled");
  if (control_.deadline.passed(session_.clock().monotonic())) {
    throw Error(Error::Kind::timeout, "timed out");
  }
}

}  // namespace toehold::aws
