// CloudWatch Logs: makes a log group and a stream, and puts events there in batches that keep the
// service's limits. Called by the CloudWatch report and by relays; never waits for more events.
// Source: the API references of CreateLogGroup, CreateLogStream and PutLogEvents.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runner/aws/client.hpp"

namespace toehold::aws {

struct LogTarget {
  std::string region;  // empty: the session's
  std::string group;
  std::string stream;
};
/// "log stream GROUP:STREAM", for messages.
std::string to_string(const LogTarget& target);
/// Throws Error(usage) for names that the service does not take.
void check_log_group(const std::string& name);
void check_log_stream(const std::string& name);

/// The events of one PutLogEvents call, in the order of their times.
class LogBatch {
 public:
  static constexpr std::size_t most_bytes = 1'048'576;  // messages, and bytes_per_event for each
  static constexpr std::size_t bytes_per_event = 26;
  static constexpr std::size_t most_events = 10'000;
  static constexpr UnixMillis longest_span = 24 * 60 * 60 * 1000;
  /// Of one event, 26 bytes more included. Some regions take 1 MiB; this much all do.
  static constexpr std::size_t longest_event = 262'144;
  static constexpr std::size_t longest_text = longest_event - bytes_per_event;

  /// `last_time`: of the event before all of these; none of ours is older.
  explicit LogBatch(UnixMillis last_time = 0) : last_time_(last_time) {}

  /// Empties it. `now`: events that the service would refuse for being over 14 days old or 2 hours
  /// ahead of it get this time instead; a clock that is off costs no line.
  void begin(UnixMillis now);
  /// `text`: at most longest_text bytes; empty ones are left out. Malformed UTF-8 becomes U+FFFD,
  /// and what is too long with it becomes several events. False: it does not fit, nothing changed.
  bool add(UnixMillis time, std::string_view text);

  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }
  UnixMillis last_time() const { return last_time_; }
  /// `{"timestamp":1,"message":"a"},{...}`
  const std::string& json() const { return json_; }

 private:
  std::string json_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  UnixMillis first_time_ = 0;
  UnixMillis last_time_;
  UnixMillis now_ = 0;
};

/// What the service took a call for, but did not keep.
struct RejectedEvents {
  std::size_t count = 0;
  std::string why;
};

class Logs {
 public:
  /// What is missing of the target is made, or only the stream, and that by create() alone.
  enum class Missing { is_made, is_failure };
  Logs(Client& client, LogTarget target, Missing missing = Missing::is_made);

  /// Makes the stream, and the group if there is none; both may exist. Throws Error as
  /// Client::require does.
  void create(const Control& control);
  /// When this returns, all events are in the stream but those it tells of; a call that is repeated
  /// after a lost answer can put them there twice. Makes a stream anew that has been deleted.
  /// Throws Error as Client::require does; then none or all of the events may be there.
  RejectedEvents put(const LogBatch& batch, const Control& control);

  const LogTarget& target() const { return target_; }

 private:
  Answer call(const std::string& operation, const std::string& body, const Control& control);
  [[noreturn]] void refuse(const std::string& operation, const Failure& failure,
                           const Control& control);
  Call make_call(const std::string& operation, const std::string& body) const;

  Client& client_;
  LogTarget target_;
  const bool makes_all_;
};

}  // namespace toehold::aws
