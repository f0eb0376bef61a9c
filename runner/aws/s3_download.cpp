#include "runner/aws/s3_download.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/base/base64.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {
constexpr long precondition_failed = 412;
}

S3Download::S3Download(const ObjectDownload& target, std::uint64_t least_part, Crew& crew)
    : target_(target),
      least_part_(least_part),
      crew_(crew),
      resource_(resource_of(target.address)),
      control_(crew.control(resource_)) {}

/// Asks for the whole object, which costs a small one no second call. A big one is taken from here
/// only as far as its first range; the others begin as soon as its size is known.
void S3Download::start(Client& client) {
  Range range;
  open_ranges_ = 1;
  Call call = get_call(target_.address);
  call.headers_of_try = [&]() -> HttpHeaders {
    if (range.at == 0 || etag_.empty()) return {};
    return range_headers(range.at, range.end - 1, etag_);
  };
  call.on_head = [&](const HttpResponse& head) {
    if (head.status == 206) {
      const auto found = content_range(head);
      if (!found || found->first != range.at || found->size != size_) {
        fail("the answer does not go on where it was cut");
      }
      return true;
    }
    if (crcs_.empty()) {
      learn(head);
      if (file_ < 0) file_ = target_.open();
      begin_ranges();
    } else if (strong_etag(head) != etag_ || content_length(head) != size_) {
      has_changed_ = true;
      return false;
    }
    range = range_of(0);
    return true;
  };
  call.on_body = [&](std::string_view bytes) { return take(range, bytes); };
  settle(client, call, client.send(call, control_), range);
  crcs_.front() = range.crc;
  end_range(client);
}

void S3Download::learn(const HttpResponse& head) {
  const auto size = content_length(head);
  if (!size) fail("the answer does not say how long the object is");
  size_ = *size;
  etag_ = strong_etag(head);
  checksum_ = checksum_of(head);
  part_ = etag_.empty() ? size_ : piece_size(size_, least_part_);
}

S3Download::Range S3Download::range_of(std::size_t number) const {
  Range range;
  range.first = range.at = number * part_;
  range.end = std::min(range.first + part_, size_);
  if (const auto kind = checksum_ ? checksum_->running_crc() : std::nullopt) {
    range.crc.emplace(*kind);
  }
  return range;
}

void S3Download::begin_ranges() {
  const std::uint64_t ranges = part_ == 0 ? 1 : (size_ + part_ - 1) / part_;
  crcs_.resize(static_cast<std::size_t>(ranges));
  open_ranges_ += crcs_.size() - 1;
  for (std::size_t number = 1; number < crcs_.size(); ++number) {
    crew_.add([this, number](Client& client) { fetch_range(client, number); });
  }
}

void S3Download::fetch_range(Client& client, std::size_t number) {
  if (!has_changed_) {
    Range range = range_of(number);
    const Call call = ranged_call(range);
    settle(client, call, client.send(call, control_), range);
    crcs_[number] = range.crc;
  }
  end_range(client);
}

/// What of a range has come is not asked for again.
Call S3Download::ranged_call(Range& range) {
  Call call = object_call("GetObject", "GET", target_.address);
  call.headers_of_try = [&] { return range_headers(range.at, range.end - 1, etag_); };
  call.on_head = [&](const HttpResponse& head) {
    const auto found = content_range(head);
    const bool fits = head.status == 206 && found && found->first == range.at &&
                      found->last == range.end - 1 && found->size == size_;
    if (!fits) fail("the answer is not the range that was asked for");
    return true;
  };
  call.on_body = [&](std::string_view bytes) { return take(range, bytes); };
  return call;
}

/// False once there is more than the range wants.
bool S3Download::take(Range& range, std::string_view bytes) {
  const std::string_view piece = bytes.substr(0, range.end - range.at);
  write(range.at, piece);
  if (range.crc) range.crc->update(piece);
  range.at += piece.size();
  return piece.size() == bytes.size() && (!range.is_whole() || range.end == size_);
}

/// Ends well, with the range whole or the object found to have changed, or throws.
void S3Download::settle(Client& client, const Call& call, const Answer& answer,
                        const Range& range) {
  if (answer.failure && answer.failure->status == precondition_failed) has_changed_ = true;
  // A transfer that we ended ourselves counts as failed there.
  if (has_changed_ || (!crcs_.empty() && range.is_whole())) return;
  if (answer.failure) throw_failure(client, call, *answer.failure, control_);
  fail("only " + std::to_string(range.at - range.first) + " of " +
       std::to_string(range.end - range.first) + " bytes came");
}

void S3Download::end_range(Client& client) {
  if (--open_ranges_ > 0) return;
  if (has_changed_) return start_over();
  check_sum(client);
  target_.finish();
}

/// Somebody has replaced the object while we were at it. Once that is bad luck.
void S3Download::start_over() {
  if (has_started_over_) {
    fail("it was changed while it was downloaded, and again while that was done once more",
         "run it again when nobody writes the object");
  }
  has_started_over_ = true;
  has_changed_ = false;
  crcs_.clear();
  if (::ftruncate(file_, 0) != 0) throw Error::from_errno("cannot write " + resource_, errno);
  crew_.note(resource_ + ": it was changed while it was downloaded; starting over");
  crew_.add([this](Client& client) { start(client); }, true);
}

void S3Download::check_sum(Client& client) {
  if (!checksum_) return;
  std::string found;
  if (checksum_->running_crc()) {
    Crc whole = *crcs_.front();
    for (std::size_t number = 1; number < crcs_.size(); ++number) whole.append(*crcs_[number]);
    found = whole.bytes();
  } else {
    std::uint64_t part = 0;
    if (checksum_->parts > 0) {
      const auto parts = size_of_parts(client);
      if (!parts)
        return crew_.note(resource_ + ": its parts are of several sizes, so its " +
                          checksum_->name + " checksum cannot be checked");
      part = *parts;
    }
    try {
      found = checksum_of_file(*checksum_, file_, size_, part, [this] { crew_.check(); });
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::unsupported) throw;
      return;  // FIPS machines have no MD5; the length was right
    }
  }
  if (found == checksum_->expected) return;
  fail("the " + checksum_->name + " checksum of what came is " + hex_encode(found) + ", not " +
           hex_encode(checksum_->expected),
       "it was damaged on its way; run it again");
}

/// Of all parts but the last, by the size of the first; nullopt when that cannot be.
std::optional<std::uint64_t> S3Download::size_of_parts(Client& client) {
  Call call = object_call("HeadObject", "HEAD", target_.address);
  call.iam_action = "s3:GetObject";
  call.query = {{"partNumber", "1"}};
  const Answer answer = require(client, call, control_);
  HttpResponse head;
  head.headers = answer.headers;
  const auto first = content_length(head);
  if (!first || *first == 0 || *first > size_) return std::nullopt;
  const std::uint64_t parts = (size_ + *first - 1) / *first;
  return parts == checksum_->parts ? first : std::nullopt;
}

void S3Download::write(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error::from_errno("cannot write what comes from " + resource_, errno,
                              errno == ENOSPC ? "make room, then run it again" : "");
    }
    offset += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void S3Download::fail(const std::string& what, const std::string& hint) const {
  throw Error(Error::Kind::network, "S3 GetObject on " + resource_ + ": " + what, hint);
}

}  // namespace toehold::aws
