#include "runner/aws/s3_checksum.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

struct Method {
  const char* header;
  const char* name;
  std::variant<CrcKind, DigestAlgorithm> method;
  std::size_t size;
};

// The fast ones first.
const std::array methods{Method{"x-amz-checksum-crc64nvme", "CRC64NVME", CrcKind::crc64nvme, 8},
                         Method{"x-amz-checksum-crc32c", "CRC32C", CrcKind::crc32c, 4},
                         Method{"x-amz-checksum-crc32", "CRC32", CrcKind::crc32, 4},
                         Method{"x-amz-checksum-sha256", "SHA256", DigestAlgorithm::sha256, 32},
                         Method{"x-amz-checksum-sha1", "SHA1", DigestAlgorithm::sha1, 20}};

/// `BASE64`, or `BASE64-PARTS` of a composite one; one of another length is none.
std::optional<ObjectChecksum> read(const Method& method, const std::string& text) {
  ObjectChecksum checksum{method.name, method.method, {}, 0};
  const std::size_t dash = std::min(text.find('-'), text.size());
  if (dash < text.size()) {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + dash + 1, end, checksum.parts);
    if (error != std::errc() || at != end || checksum.parts == 0) return std::nullopt;
  }
  const auto bytes = base64_decode(text.substr(0, dash));
  if (!bytes || bytes->size() != method.size) return std::nullopt;
  checksum.expected = *bytes;
  return checksum;
}

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

/// An ETag is the MD5 of an object that was put in one piece and is not encrypted with a key of
/// its own.
std::optional<ObjectChecksum> md5_of(const HttpResponse& head) {
  std::string etag = head.header("etag").value_or("");
  if (etag.size() != 34 || !etag.starts_with('"') || !etag.ends_with('"')) return std::nullopt;
  etag = etag.substr(1, 32);
  if (etag.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  const std::string encryption = head.header("x-amz-server-side-encryption").value_or("AES256");
  if (encryption != "AES256" || head.header("x-amz-server-side-encryption-customer-algorithm")) {
    return std::nullopt;
  }
  return ObjectChecksum{"MD5", DigestAlgorithm::md5, from_hex(etag), 0};
}

/// One checksum in the making, whichever it is.
class Summer {
 public:
  explicit Summer(const std::variant<CrcKind, DigestAlgorithm>& method) {
    if (const auto* kind = std::get_if<CrcKind>(&method)) {
      crc_.emplace(*kind);
    } else {
      digest_.emplace(std::get<DigestAlgorithm>(method));
    }
  }
  void update(std::string_view bytes) {
    if (crc_) {
      crc_->update(bytes);
    } else {
      digest_->update(bytes);
    }
  }
  std::string finish() { return crc_ ? crc_->bytes() : digest_->finish_bytes(); }

 private:
  std::optional<Crc> crc_;
  std::optional<Digest> digest_;
};

std::string checksum_of_range(const ObjectChecksum& checksum, int file, std::uint64_t first,
                              std::uint64_t end, const std::function<void()>& check) {
  Summer summer(checksum.method);
  std::string buffer(1 << 18, '\0');
  while (first < end) {
    check();
    const std::size_t most = std::min<std::uint64_t>(buffer.size(), end - first);
    const ssize_t count = ::pread(file, buffer.data(), most, static_cast<off_t>(first));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno("cannot read what was downloaded", errno);
    if (count == 0) throw Error(Error::Kind::io, "what was downloaded is not there any more");
    summer.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    first += static_cast<std::uint64_t>(count);
  }
  return summer.finish();
}

}  // namespace

std::optional<CrcKind> ObjectChecksum::running_crc() const {
  const auto* kind = std::get_if<CrcKind>(&method);
  return kind && parts == 0 ? std::optional(*kind) : std::nullopt;
}

std::optional<ObjectChecksum> checksum_of(const HttpResponse& head) {
  for (const Method& method : methods) {
    const auto text = head.header(method.header);
    if (!text) continue;
    if (auto checksum = read(method, *text)) return checksum;
  }
  return md5_of(head);
}

std::string checksum_of_file(const ObjectChecksum& checksum, int file, std::uint64_t size,
                             std::uint64_t part, const std::function<void()>& check) {
  if (checksum.parts == 0) return checksum_of_range(checksum, file, 0, size, check);
  Summer of_parts(checksum.method);
  for (std::uint64_t first = 0; first < size; first += part) {
    of_parts.update(checksum_of_range(checksum, file, first, std::min(first + part, size), check));
  }
  return of_parts.finish();
}

}  // namespace toehold::aws
