#include "runner/agent/relay_sender.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

// An answer in the command's own output: in base64 it has to fit into 24,000 characters.
constexpr std::size_t most_inline = 16 << 10;
constexpr auto longest_inline = 1500ms;
constexpr auto longest_wait = 1s;  // of a byte in a chunk that is not full
constexpr std::size_t first_limit = 256 << 10;
// Below 1 MiB libcurl sends a body without asking first.
constexpr std::size_t most_limit = 960 << 10;
constexpr std::size_t spooled_chunk = 64 << 10;
constexpr std::uint64_t most_spooled = 4u << 20;
constexpr auto first_send = 10s;
constexpr auto longest_send = 60s;
constexpr auto patience_of_sends = 30s;
constexpr auto patience_for_reader = 600s;

bool is_taken(const HttpResponse& response) {
  return response.transport_error.empty() && response.status >= 200 && response.status < 300;
}

std::string reason_of(const HttpResponse& response) {
  if (!response.transport_error.empty()) return response.transport_error;
  return "status " + std::to_string(response.status);
}

}  // namespace

std::string form_body(const std::vector<std::pair<std::string, std::string>>& fields,
                      std::string_view file, const std::string& boundary) {
  std::string body;
  body.reserve(file.size() + 8192);
  const std::string begin = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"";
  for (const auto& [name, value] : fields) body += begin + name + "\"\r\n\r\n" + value + "\r\n";
  body += begin + "file\"; filename=\"chunk\"\r\nContent-Type: application/octet-stream\r\n\r\n";
  body += file;
  return body + "\r\n--" + boundary + "--\r\n";
}

RelaySender::RelaySender(RelayRequest request, RelayFolder folder, HttpClient& http,
                         aws::Session& session, Clock& clock,
                         std::function<void(const RelayAnswer&)> answer, std::stop_token stop)
    : request_(std::move(request)),
      folder_(std::move(folder)),
      http_(http),
      logs_(request_, session),
      clock_(clock),
      answer_(std::move(answer)),
      stop_(std::move(stop)),
      limit_(first_limit),
      began_(clock.monotonic()),
      flushed_(began_),
      ends_(began_ + std::chrono::seconds(request_.valid_seconds)) {
  std::error_code ignored;
  renewed_ = fs::last_write_time(folder_.post, ignored);
}

void RelaySender::take(Stream stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t limit = way_ == Way::undecided ? most_inline : limit_;
    const std::string_view piece = bytes.substr(0, limit - std::min(limit - 1, frames_.size()));
    frames_ += encode_frame(stream == Stream::out ? Frame::out : Frame::err, piece);
    bytes.remove_prefix(piece.size());
    if (frames_.size() >= limit) flush();
  }
  const auto waited = clock_.monotonic() - flushed_;
  const bool waits = way_ == Way::undecided ? waited >= longest_inline
                                            : !frames_.empty() && waited >= longest_wait;
  if (waits || waited >= relay_heartbeat) flush();
}

void RelaySender::flush() {
  const Monotonic before = flushed_;
  const bool full = frames_.size() >= limit_;
  const std::string chunk = encode_chunk(number_++, frames_);
  frames_.clear();
  deliver(chunk);
  flushed_ = clock_.monotonic();
  if (full && way_ == Way::s3 && flushed_ - before < longest_wait) {
    limit_ = std::min(limit_ * 2, most_limit);
  }
}

void RelaySender::finish(ProcessResult result) {
  if (!result.start_error.empty()) {
    // As a shell says it, and ends.
    const bool missing = result.start_error.find("not found") != std::string::npos ||
                         result.start_error.find("No such file") != std::string::npos;
    take(Stream::err, result.start_error + "\n");
    result.start_error.clear();
    result.exit_code = missing ? 127 : 126;
  }
  frames_ += encode_frame(Frame::outcome, encode_end(result));
  if (way_ == Way::undecided) return answer_({"inline", {encode_chunk(number_, frames_)}});
  flush();
  if (way_ != Way::spool) return;
  wait_for_reader(spooled_, patience_for_reader);
}

void RelaySender::deliver(const std::string& chunk) {
  if (way_ == Way::undecided) return choose_way(chunk);
  if (way_ != Way::spool && send_until_taken(chunk)) return;
  spool(chunk);
}

void RelaySender::choose_way(const std::string& chunk) {
  std::string why = "there is no store";
  way_ = Way::s3;
  for (int tries = 0; tries < 2 && !request_.url.empty(); ++tries) {
    why = send(chunk, first_send);
    if (why.empty()) return answer_({"s3", {}});
  }
  if (logs_.has_group()) {
    way_ = Way::logs;
    limit_ = RelayLogs::most_frames;
    const std::string refusal = send(chunk, first_send);
    if (refusal.empty()) return answer_({"logs", {why}});
    why += "; nor CloudWatch Logs: " + refusal;
  }
  open_spool(why);
  spool(chunk);
  answer_({"spool", {why}});
}

/// False: there is no way there any more, and the spool is open.
bool RelaySender::send_until_taken(const std::string& chunk) {
  const Monotonic began = clock_.monotonic();
  for (auto pause = 500ms;; pause = std::min<std::chrono::milliseconds>(pause * 2, 5s)) {
    look_for_renewal();
    const std::string why = send(chunk, longest_send);
    if (why.empty()) return true;
    const Monotonic now = clock_.monotonic();
    if (now > ends_) {
      // Who follows us renews it long before.
      throw Error(Error::Kind::network, "the output is not taken any more: " + why);
    }
    if (now - began > patience_of_sends) {
      open_spool(why);
      return false;
    }
    if (!goes_on(pause)) throw Error(Error::Kind::cancelled, "stopped");
  }
}

std::string RelaySender::send(const std::string& chunk, std::chrono::seconds most) {
  if (way_ == Way::logs) return logs_.put(number_ - 1, chunk, most, stop_);
  const HttpResponse response = post(chunk, most);
  return is_taken(response) ? std::string() : reason_of(response);
}

HttpResponse RelaySender::post(const std::string& chunk, std::chrono::seconds most) {
  const std::string boundary = "toehold-" + random_hex(16);
  auto fields = request_.fields;
  fields.emplace_back("key", request_.key_prefix + chunk_name(number_ - 1));
  HttpRequest request;
  request.method = "POST";
  request.url = request_.url;
  request.headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary}};
  request.body = form_body(fields, chunk, boundary);
  request.max_redirects = 0;
  request.connect_timeout = 5s;
  request.deadline = Deadline(clock_.monotonic() + most);
  return http_.send(
      request, [](std::string_view) { return true; }, stop_);
}

void RelaySender::look_for_renewal() {
  std::error_code error;
  const auto changed = fs::last_write_time(folder_.post, error);
  if (error || changed == renewed_) return;
  renewed_ = changed;
  const RelayRequest now = decode_relay_request(read_file(folder_.post, 1 << 20));
  request_.url = now.url;
  request_.fields = now.fields;
  ends_ = clock_.monotonic() + std::chrono::seconds(now.valid_seconds);
}

void RelaySender::open_spool(const std::string& why) {
  way_ = Way::spool;
  limit_ = spooled_chunk;
  spool_ = FileDescriptor(
      ::open(folder_.spool.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!spool_)
    throw Error::from_errno("cannot write " + folder_.spool.string() + ": " + why, errno);
}

void RelaySender::spool(const std::string& chunk) {
  if (spooled_ + chunk.size() > most_spooled) {
    wait_for_reader(spooled_ + chunk.size() - most_spooled, patience_for_reader);
  }
  write_all(spool_.get(), chunk, folder_.spool.string());
  spooled_ += chunk.size();
}

std::uint64_t RelaySender::taken() {
  std::error_code error;
  if (!fs::exists(folder_.taken, error)) return 0;
  const auto number = Value(std::string(trim(read_file(folder_.taken, 64)))).as_int();
  const auto offset = static_cast<std::uint64_t>(std::max<std::int64_t>(number.value_or(0), 0));
  if (offset > freed_ && offset <= spooled_) {
    ::fallocate(spool_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                static_cast<off_t>(freed_), static_cast<off_t>(offset - freed_));
    freed_ = offset;
  }
  return offset;
}

void RelaySender::wait_for_reader(std::uint64_t least, std::chrono::seconds patience) {
  std::uint64_t before = taken();
  for (Monotonic heard = clock_.monotonic(); before < least;) {
    if (!goes_on(100ms)) throw Error(Error::Kind::cancelled, "stopped");
    const std::uint64_t now = taken();
    if (now != before) heard = clock_.monotonic();
    before = now;
    if (clock_.monotonic() - heard > patience) {
      throw Error(Error::Kind::network, "nobody reads the output any more");
    }
  }
}

bool RelaySender::goes_on(std::chrono::milliseconds pause) {
  return clock_.sleep_for(pause, stop_);
}

}  // namespace toehold
