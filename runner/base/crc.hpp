// Cyclic redundancy checks as S3 and the journal use them: CRC-32, CRC-32C and CRC-64/NVME. Parts
// may be checked in any order and joined. Called by digest.cpp and for objects of S3; no defence
// against a forger.
// Source: the catalogue of parametrised CRC algorithms, for polynomials and check values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace toehold {

enum class CrcKind { crc32, crc32c, crc64nvme };

class Crc {
 public:
  explicit Crc(CrcKind kind) : kind_(kind) {}
  void update(std::string_view bytes);
  /// As if the bytes of `next`, which is of the same kind, had come after ours.
  void append(const Crc& next);
  /// Big endian, 4 or 8 bytes.
  std::string bytes() const;
  std::uint64_t length() const { return length_; }

 private:
  CrcKind kind_;
  std::uint64_t value_ = 0;  // of what came so far
  std::uint64_t length_ = 0;
};

}  // namespace toehold
