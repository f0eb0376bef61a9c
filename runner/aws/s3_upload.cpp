#include "runner/aws/s3_upload.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/aws/xml.hpp"
#include "runner/base/base64.hpp"

namespace toehold::aws {

namespace {

constexpr const char* algorithm = "CRC64NVME";
constexpr const char* checksum_header = "x-amz-checksum-crc64nvme";
/// S3 joins the parts before it answers, which takes minutes with the greatest objects.
constexpr std::chrono::seconds longest_completion(600);
constexpr int most_completions = 5;

}  // namespace

S3Upload::S3Upload(const ObjectUpload& source, std::uint64_t least_part, Crew& crew)
    : source_(source),
      least_part_(least_part),
      crew_(crew),
      control_(crew.control(resource_of(source.address))) {}

void S3Upload::start(Client& client) {
  file_ = source_.open();
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    throw Error::from_errno("cannot read " + source_.name, errno);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  part_ = piece_size(size_, least_part_);
  if (part_ == size_) return put_whole(client);
  begin_parts(client);
}

Call S3Upload::call_for(const char* operation, const char* method) const {
  Call call = object_call(operation, method, source_.address);
  call.iam_action = "s3:PutObject";
  return call;
}

void S3Upload::put_whole(Client& client) {
  Call call = call_for("PutObject", "PUT");
  call.headers.emplace_back("Content-Type", "binary/octet-stream");
  call.headers.emplace_back("x-amz-sdk-checksum-algorithm", algorithm);
  call.headers.emplace_back(checksum_header, base64_encode(crc_of(0, size_).bytes()));
  call.upload = piece(0, size_);
  require(client, call, control_);
  file_.close();
}

void S3Upload::begin_parts(Client& client) {
  Call call = call_for("CreateMultipartUpload", "POST");
  call.query = {{"uploads", ""}};
  call.headers.emplace_back("Content-Type", "binary/octet-stream");
  call.headers.emplace_back("x-amz-checksum-algorithm", algorithm);
  call.headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  const Answer answer = require(client, call, control_);
  upload_id_ = text_at(parse_xml_answer(answer.body, "S3 CreateMultipartUpload"),
                       {"InitiateMultipartUploadResult", "UploadId"});
  if (upload_id_.empty()) {
    throw Error(Error::Kind::aws,
                "S3 CreateMultipartUpload on " + call.resource + ": the answer has no upload id");
  }
  parts_.resize(static_cast<std::size_t>((size_ + part_ - 1) / part_));
  open_parts_ = parts_.size();
  // What has begun comes to its end before the next file begins.
  for (std::size_t number = parts_.size(); number-- > 0;) {
    crew_.add([this, number](Client& with) { send_part(with, number); }, true);
  }
}

void S3Upload::send_part(Client& client, std::size_t number) {
  const std::uint64_t first = number * part_;
  const std::uint64_t end = std::min(first + part_, size_);
  Part& part = parts_[number];
  part.crc = crc_of(first, end);
  Call call = call_for("UploadPart", "PUT");
  call.query = {{"partNumber", std::to_string(number + 1)}, {"uploadId", upload_id_}};
  call.headers.emplace_back("x-amz-sdk-checksum-algorithm", algorithm);
  call.headers.emplace_back(checksum_header, base64_encode(part.crc.bytes()));
  call.upload = piece(first, end);
  const Answer answer = require(client, call, control_);
  part.etag = answer.header("etag").value_or("");
  if (--open_parts_ == 0) complete(client);
}

void S3Upload::complete(Client& client) {
  Crc whole = parts_.front().crc;
  for (std::size_t number = 1; number < parts_.size(); ++number) whole.append(parts_[number].crc);
  std::string list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t number = 0; number < parts_.size(); ++number) {
    list += "<Part><PartNumber>" + std::to_string(number + 1) + "</PartNumber><ETag>" +
            parts_[number].etag + "</ETag><ChecksumCRC64NVME>" +
            base64_encode(parts_[number].crc.bytes()) + "</ChecksumCRC64NVME></Part>";
  }
  Call call = call_for("CompleteMultipartUpload", "POST");
  call.query = {{"uploadId", upload_id_}};
  call.headers.emplace_back("Content-Type", "application/xml");
  call.headers.emplace_back(checksum_header, base64_encode(whole.bytes()));
  call.headers.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  call.headers.emplace_back("x-amz-mp-object-size", std::to_string(size_));
  call.body = list + "</CompleteMultipartUpload>";
  call.stall_timeout = longest_completion;
  for (int attempt = 1;; ++attempt) {
    const Answer answer = require(client, call, control_);
    // S3 says 200 before it has begun, so a failure can be in the body of that.
    HttpResponse head{200, answer.headers, {}, {}, false};
    Failure failure = read_failure(head, answer.body);
    if (failure.code.empty()) break;
    if (attempt == most_completions || !(is_transient(failure) || is_throttling(failure))) {
      throw_failure(client, call, failure, control_);
    }
    crew_.check();
  }
  upload_id_.clear();
  file_.close();
}

std::string S3Upload::give_up(Client& client, Deadline deadline) {
  if (upload_id_.empty()) return {};
  Call call = object_call("AbortMultipartUpload", "DELETE", source_.address);
  call.query = {{"uploadId", upload_id_}};
  try {
    const Answer answer = client.send(call, {deadline, {}, {}});
    // Gone, or complete after all and only its answer was lost.
    if (!answer.failure || answer.failure->status == 404) return {};
    throw_failure(client, call, *answer.failure, {deadline, {}, {}});
  } catch (const Error& error) {
    return "the parts that were uploaded are still there: " + error.full_message();
  }
}

Crc S3Upload::crc_of(std::uint64_t first, std::uint64_t end) const {
  Crc crc(CrcKind::crc64nvme);
  std::string buffer(1 << 18, '\0');
  while (first < end) {
    crew_.check();
    const std::size_t count =
        read(first, buffer.data(), std::min<std::uint64_t>(buffer.size(), end - first));
    crc.update(std::string_view(buffer).substr(0, count));
    first += count;
  }
  return crc;
}

HttpUpload S3Upload::piece(std::uint64_t first, std::uint64_t end) const {
  return {end - first, [this, first, end](std::uint64_t offset, char* to, std::size_t most) {
            const std::uint64_t left = end - first - offset;
            return read(first + offset, to, std::min<std::uint64_t>(most, left));
          }};
}

std::size_t S3Upload::read(std::uint64_t offset, char* to, std::size_t most) const {
  if (most == 0) return 0;
  for (;;) {
    const ssize_t count = ::pread(file_.get(), to, most, static_cast<off_t>(offset));
    if (count > 0) return static_cast<std::size_t>(count);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno("cannot read " + source_.name, errno);
    throw Error(Error::Kind::io, source_.name + " became shorter while it was uploaded",
                "run it again when nobody writes the file");
  }
}

}  // namespace toehold::aws
