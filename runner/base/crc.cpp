#include "runner/base/crc.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace toehold {

namespace {

/// One reflected CRC with all bits set at the beginning and inverted at the end.
template <class Word, Word polynomial>
struct Method {
  static constexpr int bits = sizeof(Word) * 8;
  static constexpr std::size_t step = 8;  // bytes that are looked up at a time

  using Tables = std::array<std::array<Word, 256>, step>;
  static constexpr Tables make_tables() {
    Tables tables{};
    for (unsigned i = 0; i < 256; ++i) {
      Word value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? polynomial : 0);
      tables[0][i] = value;
    }
    for (unsigned i = 0; i < 256; ++i) {
      for (std::size_t k = 1; k < step; ++k) {
        const Word before = tables[k - 1][i];
        tables[k][i] = (before >> 8) ^ tables[0][before & 0xFF];
      }
    }
    return tables;
  }
  static constexpr Tables tables = make_tables();

  static Word update(Word value, std::string_view bytes) {
    value = static_cast<Word>(~value);
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    if constexpr (std::endian::native == std::endian::little) {
      for (; left >= step; left -= step, at += step) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, step);
        word ^= value;
        Word next = 0;
        for (std::size_t k = 0; k < step; ++k) {
          next ^= tables[step - 1 - k][(word >> (8 * k)) & 0xFF];
        }
        value = next;
      }
    }
    for (; left > 0; --left, ++at) {
      value = (value >> 8) ^ tables[0][(value ^ static_cast<unsigned char>(*at)) & 0xFF];
    }
    return static_cast<Word>(~value);
  }

  /// Of polynomials over GF(2), modulo ours; the highest bit is x^0.
  static Word multiply(Word a, Word b) {
    Word product = 0;
    for (Word bit = Word(1) << (bits - 1); bit != 0; bit >>= 1) {
      if (a & bit) product ^= b;
      b = (b >> 1) ^ ((b & 1) ? polynomial : 0);
    }
    return product;
  }

  /// The check of two runs of bytes one after the other: the first is moved up by the second's
  /// length, which is a multiplication with x^(8 * length).
  static Word combine(Word first, Word second, std::uint64_t length) {
    Word power = Word(1) << (bits - 1);       // x^0
    Word square = Word(1) << (bits - 1 - 8);  // x^8: one byte
    for (; length != 0; length >>= 1) {
      if (length & 1) power = multiply(power, square);
      square = multiply(square, square);
    }
    return multiply(power, first) ^ second;
  }
};

using Crc32 = Method<std::uint32_t, 0xEDB88320u>;
using Crc32c = Method<std::uint32_t, 0x82F63B78u>;
using Crc64Nvme = Method<std::uint64_t, 0x9A6C9329AC4BC9B5u>;

template <class Call>
std::uint64_t with_method(CrcKind kind, Call call) {
  if (kind == CrcKind::crc32) return call(Crc32());
  if (kind == CrcKind::crc32c) return call(Crc32c());
  return call(Crc64Nvme());
}

}  // namespace

void Crc::update(std::string_view bytes) {
  value_ = with_method(kind_, [&](auto method) -> std::uint64_t {
    return method.update(static_cast<decltype(method.multiply(0, 0))>(value_), bytes);
  });
  length_ += bytes.size();
}

void Crc::append(const Crc& next) {
  value_ = with_method(kind_, [&](auto method) -> std::uint64_t {
    using Word = decltype(method.multiply(0, 0));
    return method.combine(static_cast<Word>(value_), static_cast<Word>(next.value_), next.length_);
  });
  length_ += next.length_;
}

std::string Crc::bytes() const {
  std::string big_endian;
  for (int shift = kind_ == CrcKind::crc64nvme ? 56 : 24; shift >= 0; shift -= 8) {
    big_endian += static_cast<char>(value_ >> shift);
  }
  return big_endian;
}

}  // namespace toehold
