#include "runner/report/cloudwatch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"

namespace toehold {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds look_interval(500);
constexpr seconds call_time(30);  // of one batch, with all that the client tries
constexpr milliseconds first_pause(500);
constexpr milliseconds longest_pause(30'000);
constexpr milliseconds longest_pause_at_end(4000);
constexpr milliseconds silent_wait(2000);
constexpr milliseconds wait_step(100);

}  // namespace

CloudWatchLog::CloudWatchLog(aws::Session& session, CloudWatchOptions options)
    : session_(session),
      options_(std::move(options)),
      client_(session),
      logs_(client_, options_.target),
      progress_(
          ::open(options_.progress_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!progress_) {
    throw Error::from_errno("cannot write " + options_.progress_file.string(), errno);
  }
  UnixMillis last_time = 0;
  follower_.emplace(options_.console_log, read_progress(last_time));
  acknowledged_ = follower_->position();
  batch_ = aws::LogBatch(last_time);
}

CloudWatchLog::~CloudWatchLog() {
  thread_.request_stop();
  announce_end();
}

void CloudWatchLog::create(const aws::Control& control) {
  logs_.create(control);
  created_ = true;
}

void CloudWatchLog::start() {
  thread_ = std::jthread([this](std::stop_token stop) { follow(std::move(stop)); });
}

void CloudWatchLog::announce_end() {
  end_announced_.request_stop();
}

void CloudWatchLog::follow(std::stop_token stop) {
  Clock& clock = session_.clock();
  const std::stop_token end = end_announced_.get_token();
  milliseconds pause = first_pause;
  while (!stop.stop_requested()) {
    const bool ending = end.stop_requested();
    try {
      const bool sent = send_some(ending, stop);
      pause = first_pause;
      if (!sent && ending) break;
      if (!sent) clock.sleep_for(look_interval, end);
      continue;
    } catch (const Error& error) {
      if (!stop.stop_requested()) failed(error.full_message(), error.hint());
    } catch (const std::exception& error) {
      failed(error.what(), {});
    }
    clock.sleep_for(pause, ending ? stop : end);
    pause = std::min(pause * 2, ending ? longest_pause_at_end : longest_pause);
    if (!ending && end.stop_requested()) pause = first_pause;
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

bool CloudWatchLog::send_some(bool to_the_end, const std::stop_token& stop) {
  const aws::Control control{
      Deadline(session_.clock().monotonic() + call_time), stop,
      [](const std::string& text) { log(LogLevel::debug, "CloudWatch Logs: " + text); }};
  if (!created_) create(control);
  if (batch_.count() == 0) {  // else what is in it has failed and is sent again
    batch_.begin(session_.now());
    follower_->fill(batch_, to_the_end);
  }
  if (batch_.count() == 0) return false;
  accepted(logs_.put(batch_, control));
  return true;
}

void CloudWatchLog::accepted(const aws::RejectedEvents& rejected) {
  acknowledged_ = follower_->position();
  write_progress();
  batch_.begin(0);
  const std::lock_guard lock(mutex_);
  if (rejected.count > 0) {
    rejected_.count += rejected.count;
    rejected_.why = rejected.why;
    log(LogLevel::warning,
        "CloudWatch Logs rejected " + std::to_string(rejected.count) + " events: " + rejected.why);
  }
  if (!failing_) return;
  failing_ = false;
  log(LogLevel::info, "CloudWatch Logs takes the log again");
  if (told_ == 1) tell("CloudWatch Logs takes the log again; nothing is lost");
}

void CloudWatchLog::failed(const std::string& why, const std::string& hint) {
  log(LogLevel::warning, "CloudWatch Logs: " + why);
  const std::lock_guard lock(mutex_);
  failing_ = true;
  failure_ = why;
  hint_ = hint;
  if (told_ == 0) tell("CloudWatch Logs does not take the log; trying on: " + why);
}

void CloudWatchLog::tell(const std::string& sentence) {
  ++told_;
  news_ = sentence;
  has_news_ = true;
}

std::optional<std::string> CloudWatchLog::news() {
  if (!has_news_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  has_news_ = false;
  return std::exchange(news_, {});
}

CloudWatchGaps CloudWatchLog::finish(const FlushPatience& patience, std::stop_token stop,
                                     const std::function<void(std::uint64_t)>& on_wait) {
  announce_end();
  const auto begin = std::chrono::steady_clock::now();
  auto last_progress = begin;
  std::uint64_t seen = acknowledged_;
  bool told = false;
  for (std::unique_lock lock(mutex_); thread_.joinable() && !ended_ && !stop.stop_requested();) {
    changed_.wait_for(lock, stop, std::min(wait_step, patience.without_progress),
                      [this] { return ended_; });
    const auto now = std::chrono::steady_clock::now();
    if (acknowledged_ != seen) last_progress = now;
    seen = acknowledged_;
    if (now - last_progress >= patience.without_progress || now - begin >= patience.in_all) break;
    if (!on_wait || told || now - begin < silent_wait) continue;
    told = true;
    lock.unlock();
    on_wait(follower_->bytes_from(acknowledged_));
    lock.lock();
  }
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  ::fdatasync(progress_.get());
  return gaps();
}

CloudWatchGaps CloudWatchLog::gaps() const {
  const std::lock_guard lock(mutex_);
  CloudWatchGaps gaps;
  gaps.rejected_events = rejected_.count;
  gaps.unsent_bytes = follower_->bytes_from(acknowledged_);
  if (gaps.unsent_bytes > 0) {
    gaps.why = failing_ ? failure_ : "there was no time to send all of it";
    gaps.hint = failing_ ? hint_ : "";
  } else {
    gaps.why = rejected_.why;
  }
  return gaps;
}

std::uint64_t CloudWatchLog::read_progress(UnixMillis& last_time) const {
  try {
    const std::string text = read_file(options_.progress_file, 1u << 20);
    const Value note = parse_json(text.substr(0, text.find('\n')));
    const auto is = [&](const char* key, const std::string& value) {
      const Value* found = note.find(key);
      return found && found->text() == value;
    };
    const Value* bytes = note.find("bytes");
    const Value* time = note.find("time");
    if (!bytes || !time || !is("log", options_.console_log.string()) ||
        !is("region", options_.target.region) || !is("group", options_.target.group) ||
        !is("stream", options_.target.stream)) {
      return 0;
    }
    last_time = time->as_int().value_or(0);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(bytes->as_int().value_or(0), 0));
  } catch (const Error&) {
    return 0;  // new, or cut by a power failure: rather a line twice than none
  }
}

/// Over the old note in one write, so that it is whole whenever we are killed. Not synced: that
/// would take the disk's time from the steps.
void CloudWatchLog::write_progress() {
  const std::string note =
      to_json(Value::object({{"log", options_.console_log.string()},
                             {"region", options_.target.region},
                             {"group", options_.target.group},
                             {"stream", options_.target.stream},
                             {"bytes", static_cast<std::int64_t>(acknowledged_.load())},
                             {"time", batch_.last_time()}})) +
      "\n";
  if (::pwrite(progress_.get(), note.data(), note.size(), 0) < 0) {
    log(LogLevel::debug, "cannot note how far CloudWatch Logs has the log");
  }
}

}  // namespace toehold
