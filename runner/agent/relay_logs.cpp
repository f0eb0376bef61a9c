#include "runner/agent/relay_logs.hpp"

#include "runner/base/error.hpp"

namespace toehold {

// PutLogEvents takes a MiB at once and, in every region, events of 256 KiB, 26 bytes for each
// counted in; the API reference of PutLogEvents, 2014-03-28.
static_assert((RelayLogs::most_frames + 1024) * 4 / 3 + 32 < aws::LogBatch::longest_text);

RelayLogs::RelayLogs(const RelayRequest& request, aws::Session& session)
    : session_(session), target_{request.region, request.log_group, request.log_stream} {}

std::string RelayLogs::put(std::uint64_t number, const std::string& chunk,
                           std::chrono::seconds most, std::stop_token stop) {
  try {
    if (!client_) client_.emplace(session_);
    aws::Logs logs(*client_, target_, aws::Logs::Missing::is_failure);
    const aws::Control control{Deadline(session_.clock().monotonic() + most), std::move(stop), {}};
    if (!has_stream_) logs.create(control);
    has_stream_ = true;
    // GetLogEvents gives events in the order of their times: no two have the same.
    const UnixMillis now = session_.now();
    aws::LogBatch batch(last_time_ + 1);
    batch.begin(now);
    batch.add(now, encode_log_event(number, chunk));
    last_time_ = batch.last_time();
    return logs.put(batch, control).why;
  } catch (const Error& error) {
    return error.full_message();
  }
}

}  // namespace toehold
