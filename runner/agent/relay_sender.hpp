// RelaySender: what a program prints, cut into chunks and sent: in the answer itself when it is
// little and soon over, else to S3 by a presigned POST, else to CloudWatch Logs where the request
// names a group, else into a spool that is read piece by piece. Made by the carrier of a relay;
// keeps one chunk in memory, and lets the program wait while nobody takes it.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "runner/agent/relay.hpp"
#include "runner/agent/relay_logs.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"
#include "runner/base/http.hpp"
#include "runner/report/relayed_output.hpp"

namespace toehold {

class RelaySender {
 public:
  /// `answer` is called once, when it is known which way the output takes: "inline" with the only
  /// chunk, "s3", or "logs" or "spool" with why it is no better one. The references outlive it.
  RelaySender(RelayRequest request, RelayFolder folder, HttpClient& http, aws::Session& session,
              Clock& clock, std::function<void(const RelayAnswer&)> answer, std::stop_token stop);

  /// As OnOutput. Blocks while what came before cannot be sent. Throws Error(network) when nobody
  /// takes it any more: the policy is over and not renewed, or the spool is not read.
  void take(Stream stream, std::string_view bytes);
  /// The last. Returns when all has been taken.
  void finish(ProcessResult result);

 private:
  enum class Way { undecided, s3, logs, spool };

  void flush();
  void deliver(const std::string& chunk);
  void choose_way(const std::string& chunk);
  bool send_until_taken(const std::string& chunk);
  /// Once; returns why it was not taken, empty: it was.
  std::string send(const std::string& chunk, std::chrono::seconds most);
  HttpResponse post(const std::string& chunk, std::chrono::seconds most);
  void look_for_renewal();
  void open_spool(const std::string& why);
  void spool(const std::string& chunk);
  /// How much of the spool has arrived.
  std::uint64_t taken();
  void wait_for_reader(std::uint64_t least, std::chrono::seconds patience);
  bool goes_on(std::chrono::milliseconds pause);

  RelayRequest request_;
  const RelayFolder folder_;
  HttpClient& http_;
  RelayLogs logs_;
  Clock& clock_;
  std::function<void(const RelayAnswer&)> answer_;
  std::stop_token stop_;
  Way way_ = Way::undecided;
  std::string frames_;  // of the chunk that is being filled
  std::size_t limit_;   // bytes of a chunk; grows with the speed of the output
  std::uint64_t number_ = 0;
  Monotonic began_, flushed_;
  Monotonic ends_;  // of the policy
  fs::file_time_type renewed_{};
  FileDescriptor spool_;
  std::uint64_t spooled_ = 0, freed_ = 0;
};

/// The body of a multipart/form-data POST: `fields`, then `file` as the field of that name.
std::string form_body(const std::vector<std::pair<std::string, std::string>>& fields,
                      std::string_view file, const std::string& boundary);

}  // namespace toehold
