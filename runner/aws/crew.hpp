// Crew: a few connections at work on one list of jobs, which may add more. Made by S3 for each
// transfer. Knows nothing of what the jobs do; whoever waits for it hears of them in its own
// thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runner/aws/client.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::aws {

class Crew {
 public:
  using Job = std::function<void(Client& client)>;

  /// Session and control outlive it. A thread is started when a job finds none idle, and none
  /// further while the session has as many as it may.
  Crew(Session& session, const TransferControl& control, std::size_t most_threads);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();

  /// From any thread. `next`: before what waits already, so that what has begun comes to its end.
  /// Throws Error(process) when the first thread cannot be started.
  void add(Job job, bool next = false);
  /// Waits until no job is left. Throws the first error of a job, which stops all the others; none
  /// runs any more then.
  void run();

  /// For calls of jobs; notes begin with `resource`.
  Control control(const std::string& resource);
  void note(std::string text);
  /// Throws Error(cancelled) or (timeout) once the transfer has to end. Long work calls it often.
  void check() const;

 private:
  void start_thread();
  void work();
  void end();
  void fail(std::exception_ptr error);
  void watch();
  void tell();
  bool is_idle() const { return running_ == 0 && (jobs_.empty() || error_); }

  Session& session_;
  const TransferControl& control_;
  std::size_t most_threads_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable wake_;    // of the threads
  std::condition_variable change_;  // of who waits
  std::deque<Job> jobs_;
  std::vector<std::string> notes_;
  std::vector<std::thread> threads_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  bool over_ = false;
  std::exception_ptr error_;
  std::stop_callback<std::function<void()>> pass_on_;
};

}  // namespace toehold::aws
