// CloudWatchLog: console.log live in a CloudWatch Logs stream. A thread of its own follows the file
// as it is on the disk, so a slow or dead service takes neither time from a step nor memory, and
// what could not be sent at once is sent later, after a reboot too. Made by the agent's `run`;
// never sees anything but the file, which has no secrets in it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "runner/aws/logs.hpp"
#include "runner/report/log_follower.hpp"

namespace toehold {

struct CloudWatchOptions {
  std::filesystem::path console_log;
  aws::LogTarget target;
  /// Where it notes how far the service has the log, for the process after a reboot. A note about
  /// another log or stream is passed over.
  std::filesystem::path progress_file;
};

/// How long the end of a run waits for a service.
struct FlushPatience {
  std::chrono::milliseconds without_progress;  // since the last batch that was taken
  std::chrono::milliseconds in_all;
};

/// What the service does not have.
struct CloudWatchGaps {
  std::uint64_t unsent_bytes = 0;
  std::size_t rejected_events = 0;
  std::string why;  // the last failure, or why events were rejected; empty: nothing is missing
  std::string hint;
};

class CloudWatchLog {
 public:
  /// Opens console.log and the note; sends nothing. `session` outlives it. Throws Error(io).
  CloudWatchLog(aws::Session& session, CloudWatchOptions options);
  CloudWatchLog(const CloudWatchLog&) = delete;
  CloudWatchLog& operator=(const CloudWatchLog&) = delete;
  /// Ends the thread at once.
  ~CloudWatchLog();

  /// Makes group and stream, in the calling thread and before start(); without this call the thread
  /// does it. Throws Error.
  void create(const aws::Control& control);
  void start();
  /// A sentence about the service, once when it begins to fail and once when it works again. For
  /// the thread that owns the screen; costs next to nothing.
  std::optional<std::string> news();
  /// Sends what is left and ends the thread; `stop` or the end of patience leave the rest.
  /// `on_wait`: called once, with the bytes that are left, when that takes more than 2 s.
  CloudWatchGaps finish(const FlushPatience& patience, std::stop_token stop,
                        const std::function<void(std::uint64_t)>& on_wait = {});

  /// What the thread does until `stop`, or until all is sent after an end was announced.
  void follow(std::stop_token stop);
  void announce_end();

 private:
  std::uint64_t read_progress(UnixMillis& last_time) const;
  void write_progress();
  /// False when there is nothing to send. Throws Error.
  bool send_some(bool to_the_end, const std::stop_token& stop);
  void accepted(const aws::RejectedEvents& rejected);
  void failed(const std::string& why, const std::string& hint);
  void tell(const std::string& sentence);
  CloudWatchGaps gaps() const;

  aws::Session& session_;
  CloudWatchOptions options_;
  aws::Client client_;
  aws::Logs logs_;
  FileDescriptor progress_;
  std::optional<LogFollower> follower_;
  aws::LogBatch batch_;
  bool created_ = false;
  std::stop_source end_announced_;
  std::atomic<std::uint64_t> acknowledged_ = 0;  // bytes of console.log that the service has
  std::atomic<bool> has_news_ = false;

  mutable std::mutex mutex_;  // of what follows, but for the thread
  std::condition_variable_any changed_;
  bool ended_ = false;
  bool failing_ = false;
  int told_ = 0;  // of failing, of working again; no more than that, however often it happens
  std::string news_;
  std::string failure_, hint_;  // while it is failing
  aws::RejectedEvents rejected_;
  std::jthread thread_;
};

}  // namespace toehold
