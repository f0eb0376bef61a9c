// SsmLogStream: what a relay sends as events of a stream of CloudWatch Logs, read back in order.
// Made by SsmRelay when a relay answers that it goes that way; the stream goes with it.
#pragma once

#include <optional>
#include <utility>

#include "runner/aws/logs.hpp"
#include "runner/controller/ssm_channel.hpp"

namespace toehold {

class SsmLogStream {
 public:
  SsmLogStream(SsmChannel& channel, aws::LogTarget stream);
  /// Deletes the stream, also after a stop; what fails of that is left to the end of the build.
  ~SsmLogStream();
  SsmLogStream(const SsmLogStream&) = delete;
  SsmLogStream& operator=(const SsmLogStream&) = delete;

  /// Hands on what has come; false: nothing new. Throws Error(network) when a chunk does not come
  /// although later ones are there, and what the call fails of.
  bool take(ChunkReader& chunks, const SsmWait& wait);

 private:
  void wait_for_gap(std::uint64_t number);

  SsmChannel& channel_;
  const aws::LogTarget stream_;
  std::string next_;  // the page to come
  /// The chunk of it that is waited for, and since when.
  std::optional<std::pair<std::uint64_t, Monotonic>> gap_;
};

}  // namespace toehold
