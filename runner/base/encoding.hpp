// UTF-8 to and from the encodings that the file actions know. Called by them only. No byte order
// mark is written; one that is there is skipped when reading.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toehold {

enum class Encoding { utf8, utf16_le, utf16_be, utf32_le, utf32_be };

/// "utf-8", "utf16", "UTF-16-LE" ...; bare utf-16 and utf-32 mean little endian. nullopt: unknown.
std::optional<Encoding> encoding_named(std::string_view name);
/// Every accepted spelling, for the tables.
const std::vector<std::string>& encoding_names();

/// Both throw Error(io) that names the byte, counted from 0, at which the text is malformed.
std::string encode_text(std::string_view utf8, Encoding encoding);
std::string decode_text(std::string_view bytes, Encoding encoding);

}  // namespace toehold
