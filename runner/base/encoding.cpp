#include "runner/base/encoding.hpp"

#include <boost/locale/utf.hpp>
#include <cstdint>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

namespace utf = boost::locale::utf;

struct Row {
  const char* name;
  Encoding encoding;
};
constexpr Row rows[] = {
    {"utf8", Encoding::utf8},         {"utf-8", Encoding::utf8},
    {"utf16", Encoding::utf16_le},    {"utf-16", Encoding::utf16_le},
    {"utf16-LE", Encoding::utf16_le}, {"utf-16-LE", Encoding::utf16_le},
    {"utf16-BE", Encoding::utf16_be}, {"utf-16-BE", Encoding::utf16_be},
    {"utf32", Encoding::utf32_le},    {"utf-32", Encoding::utf32_le},
    {"utf32-LE", Encoding::utf32_le}, {"utf-32-LE", Encoding::utf32_le},
    {"utf32-BE", Encoding::utf32_be}, {"utf-32-BE", Encoding::utf32_be},
};

[[noreturn]] void malformed(std::size_t byte, std::string hint = {}) {
  throw Error(Error::Kind::io, "the text is malformed at byte " + std::to_string(byte),
              std::move(hint));
}

bool big_endian(Encoding encoding) {
  return encoding == Encoding::utf16_be || encoding == Encoding::utf32_be;
}

std::size_t unit_size(Encoding encoding) {
  if (encoding == Encoding::utf8) return 1;
  return encoding == Encoding::utf16_le || encoding == Encoding::utf16_be ? 2 : 4;
}

void append_unit(std::string& out, std::uint32_t unit, std::size_t size, bool big) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t shift = 8 * (big ? size - 1 - i : i);
    out += static_cast<char>((unit >> shift) & 0xFF);
  }
}

std::uint32_t read_unit(std::string_view bytes, std::size_t at, std::size_t size, bool big) {
  std::uint32_t unit = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[at + i]);
    unit |= static_cast<std::uint32_t>(byte) << (8 * (big ? size - 1 - i : i));
  }
  return unit;
}

template <class Char>
std::string decode_units(std::string_view bytes, bool big) {
  constexpr std::size_t size = sizeof(Char);
  if (bytes.size() % size != 0) malformed(bytes.size() - bytes.size() % size);
  std::basic_string<Char> units;
  units.reserve(bytes.size() / size);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    units += static_cast<Char>(read_unit(bytes, at, size, big));
  }
  const Char* at = units.data();
  const Char* const end = at + units.size();
  if (at != end && read_unit(bytes, 0, size, !big) == 0xFEFF) {
    malformed(0, std::string("its byte order mark says ") + (big ? "little" : "big") +
                     " endian: add " + (big ? "-LE" : "-BE") + " to the encoding");
  }
  if (at != end && *at == Char(0xFEFF)) ++at;
  std::string out;
  while (at != end) {
    const Char* const begin = at;
    const utf::code_point point = utf::utf_traits<Char>::decode(at, end);
    if (point == utf::illegal || point == utf::incomplete) {
      malformed(static_cast<std::size_t>(begin - units.data()) * size);
    }
    utf::utf_traits<char>::encode(point, std::back_inserter(out));
  }
  return out;
}

template <class Char>
void append_encoded(std::string& out, utf::code_point point, bool big) {
  std::basic_string<Char> units;
  utf::utf_traits<Char>::encode(point, std::back_inserter(units));
  for (const Char unit : units) {
    append_unit(out, static_cast<std::uint32_t>(unit), sizeof(Char), big);
  }
}

}  // namespace

std::optional<Encoding> encoding_named(std::string_view name) {
  for (const Row& row : rows) {
    if (equals_ignoring_case(row.name, name)) return row.encoding;
  }
  return std::nullopt;
}

const std::vector<std::string>& encoding_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Row& row : rows) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

std::string encode_text(std::string_view utf8, Encoding encoding) {
  if (const auto wrong = find_invalid_utf8(utf8)) malformed(*wrong);
  if (encoding == Encoding::utf8) return std::string(utf8);
  std::string out;
  const bool big = big_endian(encoding);
  const char* at = utf8.data();
  const char* const end = at + utf8.size();
  while (at != end) {
    const utf::code_point point = utf::utf_traits<char>::decode(at, end);
    if (unit_size(encoding) == 2) {
      append_encoded<char16_t>(out, point, big);
    } else {
      append_encoded<char32_t>(out, point, big);
    }
  }
  return out;
}

std::string decode_text(std::string_view bytes, Encoding encoding) {
  if (encoding == Encoding::utf8) {
    if (const auto wrong = find_invalid_utf8(bytes)) malformed(*wrong);
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    return std::string(bytes);
  }
  const bool big = big_endian(encoding);
  return unit_size(encoding) == 2 ? decode_units<char16_t>(bytes, big)
                                  : decode_units<char32_t>(bytes, big);
}

}  // namespace toehold
