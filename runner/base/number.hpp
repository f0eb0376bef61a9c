// Numbers of wire formats, read from text as strictly as those are written. Called by readers of
// headers, answers and chunks; what people type in documents is Value's to read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace toehold {

/// Decimal digits and nothing else; nullopt for anything else, a number too large included.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace toehold
