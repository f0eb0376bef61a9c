// The checksum of an object as S3 tells it, and the same of a file: full-object CRCs, digests, and
// the composite ones of multipart uploads. Called by downloads of S3; asks no network.
// Source: "Checking object integrity in Amazon S3" of the S3 User Guide.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "runner/base/crc.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/http.hpp"

namespace toehold::aws {

struct ObjectChecksum {
  std::string name;  // "CRC64NVME": for messages
  std::variant<CrcKind, DigestAlgorithm> method;
  std::string expected;     // bytes
  std::uint64_t parts = 0;  // of a composite one: the checksum of the parts' checksums

  /// What can be worked out while the bytes come in, in ranges.
  std::optional<CrcKind> running_crc() const;
};

/// The best that the head of GetObject's answer has, with x-amz-checksum-mode ENABLED; without any,
/// the ETag where it is an MD5. nullopt: there is none that could be checked.
std::optional<ObjectChecksum> checksum_of(const HttpResponse& head);

/// The checksum of a file, as bytes; `part`: the size of all parts but the last, for a composite
/// one. `check` is called often and may throw. Throws Error(io), and Error(unsupported) where
/// OpenSSL refuses the method.
std::string checksum_of_file(const ObjectChecksum& checksum, int file, std::uint64_t size,
                             std::uint64_t part, const std::function<void()>& check);

}  // namespace toehold::aws
