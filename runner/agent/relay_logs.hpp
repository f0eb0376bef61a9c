// RelayLogs: chunks of a relay as events of a stream of CloudWatch Logs, each one event of one
// call, with the instance's own credentials. Made by RelaySender, for an instance that does not
// reach S3; asks for nothing before the first chunk, and never makes a stream again that somebody
// has deleted.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "runner/aws/logs.hpp"
#include "runner/report/relayed_output.hpp"

namespace toehold {

class RelayLogs {
 public:
  /// Of the frames of a chunk: with head and base64, all of it fits into one event.
  static constexpr std::size_t most_frames = 160 << 10;

  /// The session outlives it.
  RelayLogs(const RelayRequest& request, aws::Session& session);

  bool has_group() const { return !target_.group.empty(); }
  /// Puts a chunk, the first one into a new stream. Returns why it was not taken, in `most`; empty:
  /// it was. After an answer that was lost it may be there twice, with one number.
  std::string put(std::uint64_t number, const std::string& chunk, std::chrono::seconds most,
                  std::stop_token stop);

 private:
  aws::Session& session_;
  const aws::LogTarget target_;
  std::optional<aws::Client> client_;
  bool has_stream_ = false;
  UnixMillis last_time_ = 0;
};

}  // namespace toehold
