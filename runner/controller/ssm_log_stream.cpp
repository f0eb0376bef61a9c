#include "runner/controller/ssm_log_stream.hpp"

#include "runner/aws/log_streams.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

// CloudWatch Logs shows events some time after it has taken them, and not all at once.
constexpr auto patience_with_gaps = 60s;
constexpr auto time_to_delete = 10s;
// GetLogEvents gives at most a MiB at once: behind this much there may be more already.
constexpr std::size_t much = 512 << 10;

}  // namespace

SsmLogStream::SsmLogStream(SsmChannel& channel, aws::LogTarget stream)
    : channel_(channel), stream_(std::move(stream)) {}

SsmLogStream::~SsmLogStream() {
  const Monotonic limit = channel_.clock().monotonic() + time_to_delete;
  try {
    aws::delete_log_stream(channel_.client(), stream_, {Deadline(limit), {}, {}});
  } catch (const Error& error) {
    log(LogLevel::debug, error.full_message());
  }
}

bool SsmLogStream::take(ChunkReader& chunks, const SsmWait& wait) {
  const std::uint64_t before = chunks.next();
  for (std::size_t bytes = much; bytes >= much;) {
    channel_.must_go_on(wait);
    const auto page =
        aws::get_log_events(channel_.client(), stream_, next_, {wait.deadline, wait.stop, {}});
    if (!page) break;
    bytes = 0;
    for (const std::string& message : page->messages) {
      bytes += message.size();
      if (chunks.take_log_event(message)) continue;
      // The token would lead behind what is missing: the page is asked for again.
      wait_for_gap(chunks.next());
      return chunks.next() != before;
    }
    next_ = page->next;
    gap_.reset();
  }
  return chunks.next() != before;
}

void SsmLogStream::wait_for_gap(std::uint64_t number) {
  const Monotonic now = channel_.clock().monotonic();
  if (!gap_ || gap_->first != number) gap_ = {number, now};
  if (now - gap_->second <= patience_with_gaps) return;
  throw Error(Error::Kind::network,
              to_string(stream_) + " does not show chunk " + std::to_string(number));
}

}  // namespace toehold
