#include "runner/controller/ssm_relay.hpp"

#include <algorithm>

#include "runner/aws/s3_calls.hpp"
#include "runner/aws/s3_presign.hpp"
#include "runner/aws/s3_remove.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"
#include "runner/base/platform.hpp"
#include "runner/controller/ssm_pieces.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto policy_time = 3600s;
// Of a command that starts, reads or renews a relay: it ends within seconds.
constexpr auto command_time = 120s;
// Without an agent the program runs in the command itself.
constexpr auto longest_command = std::chrono::seconds(48 * 3600);
constexpr auto first_poll = 300ms;
constexpr auto longest_poll = 2000ms;
// An account may ask for log events ten times a second in a region, and gets all that are there.
constexpr auto first_poll_of_logs = 600ms;
// A relay speaks every 15 s.
constexpr auto silence = relay_heartbeat * 5 / 2;
// In CloudWatch Logs, what has been taken need not be there to read yet.
constexpr auto late_events = 10s;
constexpr std::size_t removed_at_once = 500;
constexpr std::size_t most_unpacked = 1u << 20;

}  // namespace

SsmRelay::SsmRelay(SsmChannel& channel, aws::Session& session, bool reaches_s3, OnOutput on_output,
                   SsmWait wait)
    : channel_(channel),
      session_(session),
      reaches_s3_(reaches_s3),
      on_output_(std::move(on_output)),
      wait_(std::move(wait)),
      id_(random_hex(8)),
      prefix_(channel.settings().staging.key + id_ + "/"),
      chunks_([this](Frame kind, std::string_view payload) { take_frame(kind, payload); }) {
  wait_.tick = [this] { on_output_(Stream::out, {}); };
}

ProcessResult SsmRelay::run(const std::vector<std::string>& argv) {
  try {
    RelayRequest ask = request_with_post("run");
    std::chrono::seconds most = longest_command;
    if (!wait_.deadline.never()) {
      const auto left = *wait_.deadline.at() - channel_.clock().monotonic();
      most = std::clamp(std::chrono::ceil<std::chrono::seconds>(left), 1s, most);
    }
    const RelayAnswer answer =
        channel_.ask(script(ask, argv), std::max<std::chrono::seconds>(most, command_time), wait_);
    return follow(answer);
  } catch (const Error& error) {
    channel_.tell(script(request("stop")));
    ProcessResult result;
    result.timed_out =
        error.kind() == Error::Kind::timeout && wait_.deadline.passed(channel_.clock().monotonic());
    result.cancelled = error.kind() == Error::Kind::cancelled && wait_.stop.stop_requested();
    // The command has not been too slow: it is not known whether it ran at all.
    if (result.timed_out && !channel_.silence().empty()) {
      on_output_(Stream::err, channel_.silence() + "\n");
    }
    if (result.timed_out || result.cancelled) return result;
    throw;
  } catch (...) {
    channel_.tell(script(request("stop")));
    throw;
  }
}

RelayRequest SsmRelay::request(const std::string& work) {
  RelayRequest request;
  request.work = work;
  request.mark = random_hex(8);
  request.id = id_;
  return request;
}

RelayRequest SsmRelay::request_with_post(const std::string& work) {
  RelayRequest request = this->request(work);
  const ObjectAddress& staging = channel_.settings().staging;
  const aws::PresignScope scope =
      aws::presign_scope(session_, staging.bucket, channel_.settings().region, policy_time,
                         wait_.deadline, wait_.stop);
  if (reaches_s3_) {
    const aws::PostPolicy post =
        aws::presigned_post(scope, {staging.bucket, prefix_, {}}, most_chunk_bytes);
    request.url = post.url;
    request.fields = post.fields;
    request.key_prefix = prefix_;
  }
  request.valid_seconds = scope.valid_for.count();
  const aws::LogTarget stream = log_stream();
  request.log_group = stream.group;
  request.log_stream = stream.stream;
  request.region = stream.region;
  renew_at_ = channel_.clock().monotonic() + scope.valid_for / 2;
  return request;
}

aws::LogTarget SsmRelay::log_stream() const {
  aws::LogTarget stream = channel_.settings().logs;
  if (!stream.group.empty()) stream.stream += id_;
  return stream;
}

SsmScript SsmRelay::script(const RelayRequest& request,
                           const std::vector<std::string>& argv) const {
  return relay_script(channel_.settings().agent_path, request.mark, encode_relay_request(request),
                      argv);
}

ProcessResult SsmRelay::follow(const RelayAnswer& answer) {
  heard_ = channel_.clock().monotonic();
  const std::string why = answer.parts.empty() ? "" : answer.parts[0];
  if (answer.kind == "shell") return shell_result(answer);
  if (answer.kind == "inline" && answer.parts.size() == 1) {
    chunks_.take_whole(answer.parts[0]);
  } else if (answer.kind == "s3" || answer.kind == "logs" || answer.kind == "spool") {
    spooled_ = answer.kind == "spool";
    if (answer.kind == "logs") log_stream_.emplace(channel_, log_stream());
    if (answer.kind != "s3") {
      log(LogLevel::warning, channel_.settings().instance_id +
                                 " does not reach S3, so its output comes by " +
                                 (spooled_ ? "Run Command, slowly: " : "CloudWatch Logs: ") + why);
    }
    if (!spooled_) follow_chunks();
    if (spooled_) follow_spool();
  } else {
    throw Error(Error::Kind::network,
                channel_.settings().instance_id + ": the relay answers '" + answer.kind + "'");
  }
  if (!end_) throw Error(Error::Kind::network, "the relay has sent no end");
  return *end_;
}

ProcessResult SsmRelay::shell_result(const RelayAnswer& answer) const {
  const auto number = [&](std::size_t part) {
    return Value(answer.parts.at(part)).as_int().value_or(-1);
  };
  if (answer.parts.size() != 4) {
    throw Error(Error::Kind::network, "the answer of the instance's shell is cut short");
  }
  if (!answer.parts[1].empty()) on_output_(Stream::out, answer.parts[1]);
  if (!answer.parts[2].empty()) on_output_(Stream::err, answer.parts[2]);
  const auto came = static_cast<std::int64_t>(answer.parts[1].size() + answer.parts[2].size());
  if (number(3) > came) {
    throw Error(Error::Kind::unsupported,
                "what it prints is too much to be brought back before the agent is there");
  }
  ProcessResult result;
  result.exit_code = static_cast<int>(number(0));
  return result;
}

void SsmRelay::take_frame(Frame kind, std::string_view payload) {
  if (kind == Frame::out && !payload.empty()) on_output_(Stream::out, payload);
  if (kind == Frame::err && !payload.empty()) on_output_(Stream::err, payload);
  if (kind == Frame::outcome) end_ = decode_end(std::string(payload));
}

void SsmRelay::follow_chunks() {
  const auto first = log_stream_ ? first_poll_of_logs : first_poll;
  std::chrono::milliseconds next = first;
  while (!end_ && !spooled_) {
    channel_.must_go_on(wait_);
    const bool is_new = take_chunk();
    if (is_new) {
      next = first;
      heard_ = channel_.clock().monotonic();
      remove_taken(removed_at_once);
    }
    if (!end_ && (!is_new || log_stream_)) {
      channel_.pause(next, wait_);
      next = std::min<std::chrono::milliseconds>(next * 3 / 2, longest_poll);
    }
    const Monotonic now = channel_.clock().monotonic();
    if (!end_ && (now >= renew_at_ || now - heard_ > silence)) look_after_it();
  }
  remove_taken(1);
}

bool SsmRelay::take_chunk() {
  return log_stream_ ? log_stream_->take(chunks_, wait_) : take_object();
}

bool SsmRelay::take_object() {
  const ObjectAddress address{
      channel_.settings().staging.bucket, prefix_ + chunk_name(chunks_.next()), {}};
  aws::Call call = aws::object_call("GetObject", "GET", address);
  call.region = channel_.settings().region;
  const aws::Control control{wait_.deadline, wait_.stop, {}};
  const aws::Answer answer = channel_.client().send(call, control);
  if (answer.failure) {
    if (answer.failure->status == 404) return false;
    channel_.must_go_on(wait_);
    aws::throw_failure(channel_.client(), call, *answer.failure, control);
  }
  chunks_.take_whole(answer.body);
  taken_.push_back(address.key);
  return true;
}

/// Renews its policy, and asks whether it is still there.
void SsmRelay::look_after_it() {
  const RelayAnswer answer = channel_.ask(script(request_with_post("renew")), command_time, wait_);
  heard_ = channel_.clock().monotonic();
  if (answer.kind == "s3") return;
  // What it has sent before it went, or before it went over to the spool.
  const Monotonic limit = heard_ + (log_stream_ ? late_events : 0s);
  while (!end_ && (take_chunk() || channel_.clock().monotonic() < limit)) {
    if (log_stream_) channel_.pause(first_poll, wait_);
    channel_.must_go_on(wait_);
  }
  if (end_) return;
  spooled_ = answer.kind == "spool";
  if (!spooled_) {
    throw Error(Error::Kind::network,
                channel_.settings().instance_id + " has lost the program: was it restarted?");
  }
}

void SsmRelay::follow_spool() {
  std::int64_t offset = 0;
  const bool unpacks = find_in_path("gzip").has_value();
  while (!end_) {
    RelayRequest ask = request("read");
    ask.offset = offset;
    ask.packed = unpacks;
    const RelayAnswer answer = channel_.ask(script(ask), command_time, wait_);
    const bool is_packed = answer.kind == "gzip";
    if ((answer.kind != "bytes" && !is_packed) || answer.parts.size() != 1) {
      throw Error(Error::Kind::network,
                  channel_.settings().instance_id + " has lost the program: was it restarted?");
    }
    const std::string bytes =
        is_packed ? unpacked(session_.processes(), answer.parts[0], most_unpacked, wait_)
                  : answer.parts[0];
    offset += static_cast<std::int64_t>(bytes.size());
    chunks_.take(bytes);
  }
  channel_.tell(script(request("stop")));  // it waits for somebody to read the rest
}

void SsmRelay::remove_taken(std::size_t least) {
  if (taken_.size() < least) return;
  const SsmSettings& settings = channel_.settings();
  try {
    aws::remove_objects(channel_.client(), settings.region, settings.staging.bucket, taken_,
                        {wait_.deadline, wait_.stop, {}});
  } catch (const Error& error) {
    log(LogLevel::debug, error.full_message());  // they go with the others at the end
  }
  taken_.clear();
}

}  // namespace toehold
