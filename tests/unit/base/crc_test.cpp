#include "runner/base/crc.hpp"
#include "runner/base/base64.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

Crc crc_of(CrcKind kind, std::string_view bytes) {
  Crc crc(kind);
  crc.update(bytes);
  return crc;
}

std::string noise(std::size_t size) {
  std::string bytes;
  std::uint32_t state = 1;
  while (bytes.size() < size) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace

TEST_CASE("a CRC has the check value of its catalogue") {
  const auto [kind, check] =
      GENERATE(table<CrcKind, std::string>({{CrcKind::crc32, "cbf43926"},
                                            {CrcKind::crc32c, "e3069283"},
                                            {CrcKind::crc64nvme, "ae8b14860a799888"}}));
  CHECK(hex_encode(crc_of(kind, "123456789").bytes()) == check);
  CHECK(hex_encode(crc_of(kind, "").bytes()) == std::string(check.size(), '0'));
}

TEST_CASE("a CRC does not depend on how the bytes come") {
  const auto kind = GENERATE(CrcKind::crc32, CrcKind::crc32c, CrcKind::crc64nvme);
  const std::string bytes = noise(300);
  const std::string whole = crc_of(kind, bytes).bytes();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const std::string_view all = bytes;
    Crc in_pieces = crc_of(kind, all.substr(0, cut));
    Crc joined = in_pieces;
    in_pieces.update(all.substr(cut));
    joined.append(crc_of(kind, all.substr(cut)));
    CHECK(in_pieces.bytes() == whole);
    CHECK(joined.bytes() == whole);
    CHECK(joined.length() == bytes.size());
  }
}

TEST_CASE("CRCs of ranges are joined over great lengths") {
  const auto kind = GENERATE(CrcKind::crc32, CrcKind::crc32c, CrcKind::crc64nvme);
  const std::string range = noise(1 << 16);
  Crc in_one(kind), joined(kind);
  for (int i = 0; i < 20; ++i) {
    in_one.update(range);
    joined.append(crc_of(kind, range));
  }
  CHECK(joined.bytes() == in_one.bytes());
}
